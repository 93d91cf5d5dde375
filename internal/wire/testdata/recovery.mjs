// An official server with connection state recovery, for the tests of package wire:
// node recovery.mjs PACKAGES. It prints its port, and ends when its standard input does.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const { Server } = createRequire(resolve(process.argv[2], "x.js"))("socket.io");
const http = createServer();
const io = new Server(http, { pingInterval: 200, pingTimeout: 200, connectionStateRecovery: { maxDisconnectionDuration: 60_000 } });

// What arrives in CONNECT, before anybody has looked at it.
const auths = [];
io.engine.on("connection", (engine) => {
  engine.on("data", (data) => typeof data === "string" && data.startsWith("0") && auths.push(data.slice(1)));
});

io.on("connection", (socket) => {
  socket.on("auths", (from, ack) => ack(auths.filter((auth) => auth.includes(from))));
  socket.on("join", (room, ack) => ack(socket.join(room)));
  // Sends numbers to a room, one now and the others once its member has gone.
  socket.on("feed", (room, n, ack) => {
    io.to(room).emit("numbered", 0, "text");
    const feed = () => {
      for (let i = 1; i < n; i++) io.to(room).emit("numbered", i, "text", ...(i % 2 ? [] : [Buffer.from([i])]));
    };
    io.in(room).fetchSockets().then(([member]) => io.sockets.sockets.get(member.id).on("disconnect", () => setImmediate(feed)));
    ack();
  });
});
http.listen(0, "127.0.0.1", () => console.log(http.address().port));
process.stdin.on("end", () => process.exit()).resume();
