import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { io as io4 } from "socket.io-client";
import { io as io3 } from "socket.io-client-3";
import { plain } from "./plain.mjs";

const clients = { 3: io3, 4: io4 };
const transports = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };

// Trial is what a scenario works with: official clients of one version over one
// transport, waits that end, and comparisons. Every wait ends with the trial's
// deadline, so a scenario that misses an event fails by name.
export class Trial {
  #sockets = [];
  #trace = [];
  #waits = new Set();
  #lines;

  constructor({ url, client = "4", transport = "websocket", seconds = 40, ...rest }) {
    Object.assign(this, { url, client, transport, rest });
    this.io = clients[client];
    this.expired = new Promise((_, reject) => {
      this.alarm = setTimeout(
        () => reject(new Error(`still waiting after ${seconds} s for: ${[...this.#waits].join("; ") || "nothing named"}`)),
        seconds * 1000,
      );
    });
    this.expired.catch(() => {});
  }

  // during waits for the scenario, or for the deadline.
  during(promise) {
    return Promise.race([promise, this.expired]);
  }

  // say prints one JSON line for the test that started this process.
  say(what, details = {}) {
    process.stdout.write(JSON.stringify({ say: what, ...details }) + "\n");
  }

  // told waits for the line on stdin that the test answers with.
  async told(what) {
    assert.equal(await this.line(what), what);
  }

  // line waits for a line on stdin, whatever it says.
  async line(what) {
    this.#lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    const { value, done } = await this.named(`the test to say ${what}`, this.#lines.next());
    return done ? "end of input" : value;
  }

  // named makes a wait show up by name when the trial expires during it.
  async named(what, promise) {
    this.#waits.add(what);
    const value = await this.during(promise);
    this.#waits.delete(what);
    return value;
  }

  // open starts a client and does not wait for it.
  open(namespace = "/", options = {}) {
    const { url = this.url, transport = this.transport, client = this.client, ...rest } = options;
    const socket = clients[client](url + namespace, {
      transports: transports[transport],
      forceNew: true,
      reconnection: false,
      ...rest,
    });
    socket.trial = { transport, namespace };
    this.#sockets.push(socket);
    const note = (event) => (...args) => this.#note(`${namespace} ${event} ${String(args[0] ?? "")}`);
    for (const event of ["connect", "disconnect", "connect_error"]) socket.on(event, note(event));
    return socket;
  }

  // connect starts a client and waits until its namespace has accepted it.
  async connect(namespace = "/", options = {}) {
    const socket = this.open(namespace, options);
    await this.connected(socket);
    return socket;
  }

  connected(socket) {
    return this.named(
      `${socket.trial.namespace} to connect`,
      new Promise((resolve, reject) => {
        if (socket.connected) return resolve();
        socket.once("connect", resolve);
        if (!socket.io.reconnection()) socket.once("connect_error", reject);
      }),
    );
  }

  // settled waits until a client that upgrades has done so, and checks that the
  // client is on the transport that was asked for.
  async settled(socket) {
    const engine = socket.io.engine;
    const want = socket.trial.transport === "polling" ? "polling" : "websocket";
    if (engine.transport.name !== want || engine.upgrading) {
      await this.named("the upgrade", new Promise((resolve) => engine.once("upgrade", resolve)));
    }
    assert.equal(engine.transport.name, want);
  }

  // once waits for one event and returns its arguments.
  once(socket, event) {
    return this.named(`event ${event}`, new Promise((resolve) => socket.once(event, (...args) => resolve(args))));
  }

  // ask emits with an ack callback and returns the arguments of the answer.
  ask(socket, event, ...args) {
    return this.named(
      `the answer to ${event}`,
      new Promise((resolve) => socket.emit(event, ...args, (...answer) => resolve(answer))),
    );
  }

  // gather collects the arguments of n events of one name, in order.
  gather(socket, event, n) {
    const got = [];
    return this.named(
      `${n} events ${event}`,
      new Promise((resolve) => {
        socket.on(event, function take(...args) {
          got.push(args);
          if (got.length === n) {
            socket.off(event, take);
            resolve(got);
          }
        });
      }),
    );
  }

  // same compares values; binary of any kind is compared by its bytes.
  same(got, want, message) {
    assert.deepEqual(plain(got), plain(want), message);
  }

  ok(condition, message) {
    assert.ok(condition, message);
  }

  async close() {
    clearTimeout(this.alarm);
    for (const socket of this.#sockets) socket.disconnect();
  }

  trace() {
    return this.#trace.slice(-50);
  }

  #note(line) {
    this.#trace.push(`${(performance.now() / 1000).toFixed(3)} ${line}`);
  }
}
