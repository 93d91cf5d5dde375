// The official Socket.IO server, set up as its documentation does, with handlers that do
// what the gateway's relay events do: no more, no less.
//
//   PORT=3000 REDIS_URL=redis://127.0.0.1:6379 node server.mjs
//
// With RECOVERY, in milliseconds, it has connection state recovery and the adapter that can do it.
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const options = { serveClient: false };
if (process.env.RECOVERY) {
  const client = createClient({ url: process.env.REDIS_URL });
  await client.connect();
  options.adapter = createStreamsAdapter(client);
  options.connectionStateRecovery = { maxDisconnectionDuration: Number(process.env.RECOVERY) };
} else if (process.env.REDIS_URL) {
  const publisher = createClient({ url: process.env.REDIS_URL });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  options.adapter = createAdapter(publisher, subscriber);
}

const ok = { ok: true };
const http = createServer();
const io = new Server(http, options);

io.on("connection", (socket) => {
  socket.on("join", async (room, done) => {
    await socket.join(room);
    done?.(ok);
  });
  socket.on("leave", async (room, done) => {
    await socket.leave(room);
    done?.(ok);
  });
  socket.on("publish", (room, event, ...args) => {
    const done = typeof args.at(-1) === "function" ? args.pop() : undefined;
    socket.to(room).emit(event, ...args);
    done?.(ok);
  });
});

// A restart as the documentation has it: clients are told that the server goes.
process.once("SIGTERM", () => {
  io.close();
  setTimeout(() => process.exit(0), 500); // what is on its way to Redis arrives
});

http.listen(Number(process.env.PORT), "127.0.0.1");
