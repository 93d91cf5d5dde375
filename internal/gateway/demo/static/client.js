// A Socket.IO v5 client for this page.
//
// Applications use the official socket.io-client. This one exists so that the
// gateway's binary can show itself offline, with nothing vendored into it: it
// speaks the protocol in full on the namespace "/", for text. What it leaves
// out: other namespaces, sending binary, answering the server's acks, and
// keeping what is sent while there is no connection (request fails at once).
//
// A life: connect() → session and handshake → CONNECT → "connected". Whatever
// ends that connection, except disconnect() and a refusal by the server, leads
// to "waiting" and to another try, later each time, until one succeeds. Each
// try is a new Session; an ended session calls nobody any more, so nothing of
// an old connection can be mistaken for news of the current one.

import { Assembler, decodePacket } from "./packet.js";
import { ProtocolError, Session } from "./session.js";

const CONNECT_TIMEOUT_MS = 10_000;
const ACK_TIMEOUT_MS = 5_000;
const FIRST_DELAY_MS = 500;
const LAST_DELAY_MS = 5_000;
const MAX_PENDING_ACKS = 1_000;

const IDLE = Object.freeze({
  phase: "closed", // closed | connecting | connected | waiting
  id: "", // the socket's id while connected
  transport: "", // polling | websocket
  upgrading: false, // true while a WebSocket is being probed beside polling
  reason: "", // why the last connection ended, in the protocol's words
  problem: "", // the same for people; empty when nothing is wrong
  attempt: 0, // tries since the last success
  retryAt: 0, // performance.now() of the next try, while waiting
});

export class Client {
  #url;
  #options;
  #session = null;
  #timer = 0; // connect deadline, or the wait for the next try
  #status = IDLE;
  #acks = new Map(); // id → {resolve, reject, timer}
  #nextAck = 0;
  #assembler = new Assembler();

  // url is the node's origin. options: path, transports (in order of use),
  // onStatus(status) for every change, onEvent(name, args) for every event.
  constructor(url, options) {
    this.#url = url;
    this.#options = options;
  }

  get status() {
    return this.#status;
  }

  // connect starts trying, and does nothing while it already is.
  connect() {
    if (this.#status.phase === "closed") this.#dial(0);
  }

  // hurry makes the next try now instead of at the end of the wait.
  hurry() {
    if (this.#status.phase !== "waiting") return;
    clearTimeout(this.#timer);
    this.#dial(this.#status.attempt);
  }

  // disconnect ends the connection, or the attempts to get one, for good.
  disconnect() {
    if (this.#status.phase === "closed") return;
    if (this.#status.phase === "connected") this.#farewell();
    this.#drop("You disconnected before the answer came.");
    this.#set({ ...IDLE, reason: "io client disconnect" });
  }

  // request sends an event and resolves with the first argument of its ack.
  // It rejects when there is no connection, when the connection ends first, and
  // when no ack comes in time: the event may have been handled all the same.
  request(event, ...args) {
    return new Promise((resolve, reject) => {
      if (this.#status.phase !== "connected") throw new Error("There is no connection.");
      if (this.#acks.size >= MAX_PENDING_ACKS) throw new Error("Too many answers are outstanding.");
      const id = this.#nextAck++;
      this.#session.send(`2${id}${JSON.stringify([event, ...args])}`);
      const timer = setTimeout(() => {
        this.#acks.delete(id);
        reject(new Error(`No answer within ${ACK_TIMEOUT_MS / 1000} s.`));
      }, ACK_TIMEOUT_MS);
      this.#acks.set(id, { resolve, reject, timer });
    });
  }

  #dial(attempt) {
    const { path, transports } = this.#options;
    const session = new Session(this.#url, { path, transports }, {
      open: () => session.send("0"),
      message: (data) => this.#receive(data),
      transport: (transport, upgrading) => this.#set({ ...this.#status, transport, upgrading }),
      end: (reason, problem) => this.#retry(reason, problem),
    });
    this.#session = session;
    this.#timer = setTimeout(() => {
      this.#retry("timeout", `${this.#url} did not finish the connection within ${CONNECT_TIMEOUT_MS / 1000} s.`);
    }, CONNECT_TIMEOUT_MS);
    const { reason, problem } = this.#status;
    this.#set({ ...IDLE, phase: "connecting", transport: transports[0], attempt, reason, problem });
  }

  // retry waits longer after each failure. The jitter keeps the clients of a
  // node that was restarted from all coming back in the same moment.
  #retry(reason, problem) {
    this.#drop("The connection was lost before the answer came.");
    const attempt = this.#status.attempt + 1;
    const delay = Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt - 1, 10)) * (0.5 + Math.random());
    this.#timer = setTimeout(() => this.#dial(attempt), delay);
    this.#set({ ...IDLE, phase: "waiting", reason, problem, attempt, retryAt: performance.now() + delay });
  }

  // stop is the server's last word: the reference client does not come back
  // from a DISCONNECT or a CONNECT_ERROR by itself, and neither does this one.
  #stop(reason, problem) {
    this.#drop("The server ended the connection before the answer came.");
    this.#set({ ...IDLE, reason, problem });
  }

  #drop(why) {
    clearTimeout(this.#timer);
    this.#session?.close();
    this.#session = null;
    this.#assembler.reset();
    const acks = [...this.#acks.values()];
    this.#acks.clear();
    for (const { reject, timer } of acks) {
      clearTimeout(timer);
      reject(new Error(why));
    }
  }

  // farewell lets the server name the reason "client namespace disconnect".
  // There may be no room for it in a full queue; the session ends all the same.
  #farewell() {
    try {
      this.#session.send("1");
    } catch {
      // The transport's close says enough.
    }
  }

  #receive(data) {
    const packet = this.#assembler.add(typeof data === "string" ? decodePacket(data) : data);
    if (!packet || packet.namespace !== "/") return;
    const { type, id, payload } = packet;
    if (this.#status.phase !== "connected" && type !== "connect" && type !== "refusal") {
      throw new ProtocolError("a packet before the connection was confirmed");
    }
    switch (type) {
      case "connect":
        clearTimeout(this.#timer);
        this.#set({ ...this.#status, phase: "connected", id: payload.sid, reason: "", problem: "", attempt: 0 });
        return;
      case "refusal":
        this.#stop("connect_error", `The node refused the connection: ${payload.message}`);
        return;
      case "disconnect":
        this.#stop("io server disconnect", "The server ended this connection. Press Connect to start a new one.");
        return;
      case "event":
        this.#options.onEvent(payload[0], payload.slice(1));
        return;
      case "ack":
        this.#settle(id, payload[0]);
    }
  }

  #settle(id, answer) {
    const ack = this.#acks.get(id);
    if (!ack) return; // its time was up
    this.#acks.delete(id);
    clearTimeout(ack.timer);
    ack.resolve(answer);
  }

  #set(status) {
    this.#status = Object.freeze(status);
    this.#options.onStatus(this.#status);
  }
}
