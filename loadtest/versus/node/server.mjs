// The official Socket.IO server, set up as its documentation does, with handlers that do
// what the gateway's relay events do: no more, no less.
//
//   PORT=3000 REDIS_URL=redis://127.0.0.1:6379 node server.mjs
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const options = { serveClient: false };
if (process.env.REDIS_URL) {
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

http.listen(Number(process.env.PORT), "127.0.0.1");
