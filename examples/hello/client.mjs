// The Node.js side of the example: says what it hears, and replies once.
//   node client.mjs http://localhost:8080
import { io } from "socket.io-client";

const socket = io(process.argv[2] ?? "http://localhost:8080", { path: "/live/" });

socket.on("connect", () => console.log("connected", socket.id));
socket.on("connect_error", (err) => console.log("cannot connect:", err.message));
socket.on("disconnect", (reason) => console.log("disconnected:", reason));
socket.on("joined", (id) => console.log("joined:", id));
socket.on("message", (text) => {
  console.log("message:", text);
  socket.emit("reply", "Hello from Node.js");
});

process.on("SIGINT", () => socket.disconnect()); // and Node.js ends, with nothing left to do
