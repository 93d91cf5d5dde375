// A Socket.IO server with the official Redis adapter, for clients.
//
//	node server.cjs <redis URL> <key> <name> [specific | old | <subscription mode>]
//
// old is the last adapter that sends the old forms of requests. With a subscription mode the adapter is the sharded one; several URLs with commas between
// are nodes of a Redis Cluster.
"use strict";
const http = require("node:http");
const { Server } = require("socket.io");
const { createAdapter, createShardedAdapter } = require("@socket.io/redis-adapter");
const { Emitter } = require("@socket.io/redis-emitter");
const { createClient, createCluster } = require("redis");
const { plain, serve } = require("./commands.cjs");

const [url, key, name, variant] = process.argv.slice(2);
const sharded = ["static", "dynamic", "dynamic-private"].includes(variant);

function open() {
  const urls = url.split(",");
  return urls.length === 1 ? createClient({ url }) : createCluster({ rootNodes: urls.map((url) => ({ url })) });
}

// node-redis 5.8 closes the connection to a shard twice when its last channels are left at
// the same time.
process.on("unhandledRejection", (error) => {
  if (error?.constructor?.name !== "ClientClosedError") throw error;
});

async function main() {
  const [pub, sub] = [open(), open()];
  await Promise.all([pub.connect(), sub.connect()]);
  const server = http.createServer();
  const adapter = sharded
    ? createShardedAdapter(pub, sub, { channelPrefix: key, subscriptionMode: variant })
    : (variant === "old" ? require("redis-adapter-7").createAdapter : createAdapter)(pub, sub, { key, requestsTimeout: 5000, publishOnSpecificResponseChannel: variant === "specific" });
  const io = new Server(server, { adapter });
  const emitter = new Emitter(pub, { key });
  const heard = []; // what other servers have emitted
  for (const nsp of [io.of("/"), io.of("/chat")]) {
    nsp.on("connection", (socket) => {
      socket.data = socket.handshake.auth.data ?? {};
      socket.on("join", (rooms, done) => {
        socket.join(rooms);
        done();
      });
    });
    nsp.on("hello", (...args) => {
      const done = typeof args.at(-1) === "function" ? args.pop() : () => {};
      heard.push(plain(args));
      done({ name, args });
    });
  }
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  await serve({ io, emitter, pub, heard }, { id: 0, value: `http://127.0.0.1:${server.address().port}` });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
