// What the official packages publish, and how the official adapter takes what it gets,
// with objects in place of Redis and of clients. First come lines {"name", "channel",
// "text" or "hex"}, one for each message of a fixed program, then {"name", "subscribed"} for
// each mode of the sharded adapter, and {"ready": true}. Then each line of standard
// input, {"hex", "sharded"}, is given to one of the adapters as a request, and answered
// with {"done": [what it did to its sockets], "published": [its responses]}.
//
// The sender is AAAAAA and its requests are BBBBBB; in the sharded adapter they are
// 0123456789abcdef and 89abcdef01234567.
"use strict";
const crypto = require("node:crypto");
const readline = require("node:readline");
const { createAdapter, createShardedAdapter } = require("@socket.io/redis-adapter");
const { Emitter } = require("@socket.io/redis-emitter");

const names = [Buffer.alloc(6, 0), Buffer.from("0123456789abcdef", "hex")];
const requests = [Buffer.alloc(6, 1), Buffer.from("89abcdef01234567", "hex")];
let next = names;
crypto.randomBytes = (n) => next[n === 6 ? 0 : 1];

const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const form = (payload) => {
  const bytes = Buffer.from(payload);
  return bytes[0] === 0x7b ? { text: bytes.toString() } : { hex: bytes.toString("hex") };
};
const settled = () => new Promise((resolve) => setTimeout(resolve, 5)); // a timer is behind every promise that is ready

// A Redis that only shows what is published to it, and counts three servers.
class FakeRedis {
  published = () => {};
  subscribed = [];
  publish(channel, payload) {
    this.published({ channel, ...form(payload) });
    return Promise.resolve(1);
  }
  spublish(channel, payload) {
    return this.publish(channel, payload);
  }
  send_command(_command, args, callback) {
    callback(null, [args[1], 3]);
  }
  on() {}
  psubscribe() {}
  subscribe() {}
  ssubscribe(channel) {
    this.subscribed.push(channel);
  }
}

// A namespace with one socket, in room1.
function namespace(name, done) {
  const socket = {
    id: "fJRxQmAm-1NQwwRIAAAB", rooms: new Set(["fJRxQmAm-1NQwwRIAAAB", "room1"]), acks: new Map(), handshake: { address: "::1", sessionStore: 1 }, data: { name: "Ada" },
    join: (rooms) => done(["join", rooms].flat()),
    leave: (room) => done(["leave", room]),
    disconnect: (close) => done(["disconnect", close]),
    client: {
      writeToEngine: () => {
        if (socket.acks.size === 0) done(["event"]);
        for (const ack of socket.acks.values()) ack("ok");
      },
    },
  };
  return {
    name, _ids: 0, socket, sockets: new Map([[socket.id, socket]]),
    server: { encoder: { encode: () => [""] }, opts: {} },
    _onServerSideEmit: (args) => {
      const ack = args.findLast((arg) => typeof arg === "function");
      done(["serverSideEmit", ...args.filter((arg) => arg !== ack)]);
      ack?.("pong");
    },
  };
}

function server(create, name, redis, done = () => {}, options = {}) {
  const nsp = namespace(name, done);
  next = names;
  const adapter = create(redis, redis, options)(nsp);
  next = requests;
  adapter.addAll(nsp.socket.id, nsp.socket.rooms);
  return adapter;
}

const set = (...rooms) => new Set(rooms);
const none = { rooms: set(), except: set(), flags: {} };
const room1 = { rooms: set("room1"), except: set(), flags: {} };
const event = (...data) => ({ type: 2, data });
const timeout = (opts) => ({ ...opts, flags: { timeout: 1000 } });

// What both adapters can be asked.
const calls = {
  "to all": (a) => a.broadcast(event("hello", 1), none),
  "to two rooms": (a) => a.broadcast(event("hi"), { rooms: set("a", "b"), except: set("c"), flags: { volatile: true, compress: false } }),
  "to a room": (a) => a.broadcast(event("hi"), room1),
  "with ack": (a) => a.broadcastWithAck(event("q"), timeout(none), () => {}, () => {}),
  fetch: (a) => a.fetchSockets(room1),
  join: (a) => a.addSockets(room1, ["room2", "room3"]),
  leave: (a) => a.delSockets({ ...room1, except: set("room3") }, ["room2"]),
  disconnect: (a) => a.disconnectSockets(room1, true),
  "server-side": (a) => a.serverSideEmit(["refresh", { x: 1 }]),
  "server-side with ack": (a) => a.serverSideEmit(["question", () => {}]),
};

async function publishes(prefix, redis, steps) {
  for (const [name, step] of Object.entries(steps)) {
    redis.published = (message) => print({ name: `${prefix} ${name}`, ...message });
    step();
    await settled();
  }
}

const bind = (adapter, steps) => Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, () => step(adapter)]));

async function main() {
  const redis = new FakeRedis();
  const root = server(createAdapter, "/", redis);
  await publishes("classic", redis, bind(root, { ...calls, "all rooms": (a) => a.allRooms() }));
  const chat = server(createAdapter, "/chat", redis);
  await publishes("classic", redis, {
    "in /chat": () => chat.broadcast(event("hi"), { rooms: set("r1"), except: set("x"), flags: { compress: false } }),
  });
  await publishes("sharded", redis, bind(server(createShardedAdapter, "/", redis), calls));
  const emitter = new Emitter(redis);
  await publishes("emitter", redis, {
    "to all": () => emitter.emit("hello", 1),
    join: () => emitter.socketsJoin("news"),
    leave: () => emitter.in("room1").except("vip").socketsLeave("news"),
    disconnect: () => emitter.in("spam").disconnectSockets(true),
    "server-side": () => emitter.serverSideEmit("refresh", "prices"),
  });
  for (const subscriptionMode of ["static", "dynamic", "dynamic-private"]) {
    const own = new FakeRedis();
    server(createShardedAdapter, "/", own, () => {}, { subscriptionMode });
    print({ name: subscriptionMode, subscribed: own.subscribed });
  }
  print({ ready: true });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const done = [], published = [], own = new FakeRedis();
    const { hex, sharded } = JSON.parse(line);
    const adapter = server(sharded ? createShardedAdapter : createAdapter, "/", own, (what) => done.push(what));
    adapter.uid = sharded ? "cccccccccccccccc" : "CCCCCC";
    own.published = (message) => published.push(message);
    if (sharded) adapter.onRawMessage(Buffer.from(hex, "hex"), "socket.io#/#");
    else await adapter.onrequest("socket.io-request#/#", Buffer.from(hex, "hex"));
    await settled();
    print({ done, published });
  }
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
