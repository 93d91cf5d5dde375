// A Socket.IO server with the official Redis adapter, and an emitter, but without
// clients. The Go test tells it what to emit, one JavaScript expression a line on standard
// input, and reads from standard output what the adapter hands to the server.
//
//	node peer.cjs <redis URL> <key> [sharded]
"use strict";
const readline = require("node:readline");
const { Server } = require("socket.io");
const { Adapter } = require("socket.io-adapter");
const { createAdapter, createShardedAdapter } = require("@socket.io/redis-adapter");
const { Emitter } = require("@socket.io/redis-emitter");
const { createClient } = require("redis");

const [url, key, kind] = process.argv.slice(2);
const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");

// What arrives: JSON as a client would get it, with the bytes taken out of it.
function flatten(value, attachments) {
  if (Buffer.isBuffer(value) || value instanceof ArrayBuffer) {
    attachments.push(Buffer.from(value).toString("hex"));
    return { _placeholder: true, num: attachments.length - 1 };
  }
  if (Array.isArray(value)) return value.map((v) => flatten(v, attachments));
  if (value && typeof value === "object" && !(value instanceof Date)) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, flatten(v, attachments)]));
  }
  return value;
}

Adapter.prototype.broadcast = function (packet, opts) {
  if (opts.fromHere) return;
  const attachments = [];
  const data = JSON.stringify(flatten(packet.data, attachments));
  print({ namespace: packet.nsp, data, attachments, rooms: [...opts.rooms], except: [...opts.except], flags: opts.flags || {} });
};

async function main() {
  const [pub, sub] = [createClient({ url }), createClient({ url })];
  await Promise.all([pub.connect(), sub.connect()]);
  const adapter = kind === "sharded" ? createShardedAdapter(pub, sub, { channelPrefix: key }) : createAdapter(pub, sub, { key });
  const io = new Server({ adapter });
  const emitter = new Emitter(pub, { key });
  for (const name of ["/", "/chat"]) {
    // The adapter drops what is for rooms that nobody is in.
    const { adapter } = io.of(name);
    adapter.addAll("fake", new Set(["room1", "room2"]));
    const broadcast = adapter.broadcast;
    // The server's own delivery is not of interest.
    adapter.broadcast = function (packet, opts) {
      return broadcast.call(this, packet, Object.assign(opts, { fromHere: true }));
    };
  }
  // The subscriptions are made when PING behind them is answered.
  await sub.ping();
  print({ ready: true });
  const run = new Function("io", "emitter", "code", "return eval(code)");
  for await (const line of readline.createInterface({ input: process.stdin })) run(io, emitter, JSON.parse(line));
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
