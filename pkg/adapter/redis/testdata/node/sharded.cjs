// Prints what the official sharded adapter publishes: each line of standard input is
// {"mode", "code"}, code that uses io; the answer is {"channel", "payload"}, in hex.
"use strict";
const readline = require("node:readline");
const { Server } = require("socket.io");
const { createShardedAdapter } = require("@socket.io/redis-adapter");

const servers = {};

function server(mode) {
  const client = {
    sSubscribe() {},
    sUnsubscribe() {},
    sendCommand: async ([, , channel]) => [channel, 2],
    async sPublish(channel, payload) {
      process.stdout.write(JSON.stringify({ channel, payload: Buffer.from(payload).toString("hex") }) + "\n");
    },
  };
  const io = new Server({ adapter: createShardedAdapter(client, client, { channelPrefix: "p", subscriptionMode: mode }) });
  for (const name of ["/", "/chat"]) io.of(name).adapter.uid = "0123456789abcdef";
  return io;
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { mode, code } = JSON.parse(line);
    const io = (servers[mode] ??= server(mode));
    new Function("io", "answer", code)(io, (type, data) => io.of("/").adapter.publishResponse("fedcba9876543210", { type, data }));
  }
  process.exit(0);
})();
