// An official server for the tests of package wire: node server.mjs PACKAGES, where
// PACKAGES is a directory with socket.io below node_modules. It prints its port, and ends
// when its standard input does.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const { Server } = createRequire(resolve(process.argv[2], "x.js"))("socket.io");
const http = createServer();
const io = new Server(http, { pingInterval: 200, pingTimeout: 200, maxHttpBufferSize: 4e6 });

function serve(socket) {
  socket.on("echo", (...args) => {
    const ack = typeof args.at(-1) === "function" ? args.pop() : () => {};
    socket.emit("echoed", ...args);
    ack(...args);
  });
  socket.on("auth", (ack) => ack(socket.handshake.auth, socket.conn.transport.name));
  socket.on("ask", async (ack) => ack(await socket.timeout(5000).emitWithAck("question", 42)));
  socket.on("burst", (n) => {
    for (let i = 0; i < n; i++) socket.emit("numbered", i);
  });
  socket.on("kick", () => socket.disconnect());
  socket.on("reasons", (ack) => ack(reasons.splice(0)));
  socket.on("disconnect", (reason) => reasons.push(reason));
}

const reasons = [];
io.on("connection", serve);
io.of("/room").use((socket, next) => next(socket.handshake.auth.pass ? undefined : new Error("no pass")));
io.of("/room").on("connection", serve);
http.listen(0, "127.0.0.1", () => console.log(http.address().port));
process.stdin.on("end", () => process.exit()).resume();
