// An Engine.IO v4 session: handshake, heartbeat, the upgrade from polling to
// WebSocket, and one end with one reason.
//
// The session owns the order of what is sent: everything passes through one
// queue, which is held while an upgrade changes the transport under it.

import { decodeJSON, ProtocolError } from "./packet.js";
import { Polling, Socket } from "./transports.js";

export { ProtocolError };

const UPGRADE_TIMEOUT_MS = 10_000;
const MAX_QUEUED_BYTES = 1 << 20;
const MAX_TIMER_MS = 2 ** 31 - 1;

const encoder = new TextEncoder();

export class Session {
  #base;
  #options;
  #hooks;
  #transport;
  #probe = null; // the WebSocket that may become the transport
  #handshake = null;
  #heartbeat = 0;
  #queue = []; // {packet, bytes}
  #queuedBytes = 0;
  #held = false; // true while nothing may be handed to the transport
  #draining = false;
  #drained = Promise.resolve();
  #ended = false;

  // The session starts at once. hooks: open(), message(text | ArrayBuffer),
  // transport(name, upgrading), end(reason, problem). end comes at most once,
  // is the last of them, and never comes after close().
  constructor(base, { path, transports }, hooks) {
    this.#base = base;
    this.#options = { path, transports };
    this.#hooks = hooks;
    this.#transport = this.#dial(transports[0], {
      packet: (data) => this.#receive(data),
      gone: (reason, problem) => this.#end(reason, problem),
    });
  }

  // send queues one message. It throws when the message is larger than the
  // server takes (which would end the session), or the queue is full.
  send(text) {
    const packet = "4" + text;
    const bytes = encoder.encode(packet).length;
    if (bytes > this.#handshake.maxPayload) {
      throw new Error(`This is larger than the ${this.#handshake.maxPayload} bytes that the node accepts.`);
    }
    if (bytes + this.#queuedBytes + this.#transport.backlog > MAX_QUEUED_BYTES) {
      throw new Error("Too much is still waiting to be sent.");
    }
    this.#enqueue(packet, bytes);
  }

  // close flushes what is queued as far as the transport can, and says goodbye.
  close() {
    if (this.#ended) return;
    this.#finish(this.#queue.map((item) => item.packet));
  }

  #end(reason, problem) {
    if (this.#ended) return;
    this.#finish(null);
    this.#hooks.end(reason, problem);
  }

  #finish(farewell) {
    this.#ended = true;
    clearTimeout(this.#heartbeat);
    this.#probe?.close(null);
    this.#transport.close(this.#handshake ? farewell : null);
  }

  #dial(name, hooks) {
    const url = new URL(this.#options.path, this.#base);
    url.searchParams.set("EIO", "4");
    url.searchParams.set("transport", name);
    if (this.#handshake) url.searchParams.set("sid", this.#handshake.sid);
    return name === "polling" ? new Polling(url, hooks) : new Socket(url, hooks);
  }

  #receive(data) {
    if (this.#ended) return;
    try {
      this.#dispatch(data);
    } catch (err) {
      // A fault of the page must not pass for one of the server.
      if (!(err instanceof ProtocolError)) return reportError(err);
      this.#end("parse error", `${this.#base} answered with something that is not Socket.IO: ${err.message}.`);
    }
  }

  #dispatch(data) {
    const type = typeof data === "string" ? data.charAt(0) : "b";
    if (!this.#handshake && type !== "0") throw new ProtocolError("no handshake");
    if (this.#handshake) this.#beat();
    switch (type) {
      case "0":
        return this.#open(data.slice(1));
      case "1":
        return this.#end("transport close", `${this.#base} closed the session.`);
      case "2":
        return this.#enqueue("3", 1);
      case "4":
        return this.#hooks.message(data.slice(1));
      case "b":
        return this.#hooks.message(typeof data === "string" ? decodeBase64(data.slice(1)) : data);
      case "6":
        return;
    }
    throw new ProtocolError("unknown packet");
  }

  #open(text) {
    const handshake = decodeJSON(text);
    if (this.#handshake || !isHandshake(handshake)) throw new ProtocolError("bad handshake");
    this.#handshake = handshake;
    this.#transport.sid = handshake.sid;
    this.#beat();
    this.#hooks.transport(this.#transport.name, false);
    this.#hooks.open();
    if (this.#transport.name === "polling" && this.#options.transports.includes("websocket") &&
      handshake.upgrades.includes("websocket")) this.#upgrade();
  }

  // beat starts the wait for the next sign of life. The server pings: a silence
  // longer than its interval and its timeout together means that it is gone.
  #beat() {
    clearTimeout(this.#heartbeat);
    const silence = Math.min(this.#handshake.pingInterval + this.#handshake.pingTimeout, MAX_TIMER_MS);
    this.#heartbeat = setTimeout(() => {
      this.#end("ping timeout", `Nothing was heard from ${this.#base} for ${Math.round(silence / 1000)} s.`);
    }, silence);
  }

  #enqueue(packet, bytes) {
    this.#queue.push({ packet, bytes });
    this.#queuedBytes += bytes;
    this.#flush();
  }

  #flush() {
    if (!this.#draining) this.#drained = this.#drain();
  }

  async #drain() {
    this.#draining = true;
    while (this.#queue.length > 0 && !this.#held && !this.#ended) await this.#transport.write(this.#batch());
    this.#draining = false;
  }

  // batch takes as many packets as one request body may hold.
  #batch() {
    let count = 0;
    let bytes = 0;
    for (const item of this.#queue) {
      if (count > 0 && bytes + item.bytes + 1 > this.#handshake.maxPayload) break;
      bytes += item.bytes + 1; // the separator
      count++;
    }
    const taken = this.#queue.splice(0, count);
    for (const item of taken) this.#queuedBytes -= item.bytes;
    return taken.map((item) => item.packet);
  }

  // upgrade probes a WebSocket while polling goes on. Only when the server has
  // answered on it, and polling has gone quiet, is the switch made; when either
  // does not happen in time, polling goes on as if nothing had been tried.
  async #upgrade() {
    const polling = this.#transport;
    let answer, fail;
    const answered = new Promise((resolve) => (answer = () => resolve(true)));
    const failed = new Promise((resolve) => (fail = () => resolve(false)));
    const probe = this.#dial("websocket", {
      opened: () => probe.write(["2probe"]),
      packet: (data) => {
        if (this.#transport === probe) this.#receive(data);
        else if (data === "3probe") answer();
        else fail();
      },
      gone: (reason, problem) => (this.#transport === probe ? this.#end(reason, problem) : fail()),
    });
    this.#probe = probe;
    this.#hooks.transport("polling", true);
    const limit = setTimeout(fail, UPGRADE_TIMEOUT_MS);
    const ready = await Promise.race([answered, failed]) &&
      await Promise.race([this.#quiet(polling), failed]) && !probe.closed;
    clearTimeout(limit);
    if (!this.#ended) this.#settle(polling, probe, ready);
  }

  // quiet resolves when no request of the polling transport is under way: what
  // the server had to say on it has been heard, in order.
  async #quiet(polling) {
    this.#held = true;
    await Promise.all([this.#drained, polling.pause()]);
    return true;
  }

  #settle(polling, probe, ready) {
    this.#probe = null;
    if (ready) {
      probe.write(["5"]);
      this.#transport = probe;
    } else {
      probe.close(null);
      polling.resume();
    }
    this.#held = false;
    this.#flush();
    this.#hooks.transport(this.#transport.name, false);
  }
}

function isHandshake(value) {
  return typeof value?.sid === "string" && value.sid !== "" && Array.isArray(value.upgrades) &&
    value.pingInterval > 0 && value.pingTimeout > 0 && value.maxPayload > 0;
}

function decodeBase64(text) {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0)).buffer;
  } catch {
    throw new ProtocolError("invalid base64");
  }
}
