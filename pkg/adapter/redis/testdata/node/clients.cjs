// Official clients, which keep what they get.
"use strict";
const { io } = require("socket.io-client");
const { plain, serve } = require("./commands.cjs");

const clients = {};

// connect opens a client under a name, and returns its id. It answers each "ask" with its
// name and the arguments.
async function connect(name, url, rooms, options = {}) {
  const socket = io(url, { transports: ["websocket"], forceNew: true, reconnection: false, auth: { name, data: { name, n: 1 } }, ...options });
  const client = (clients[name] = { socket, got: [], waits: [] });
  socket.onAny((...got) => {
    const ack = typeof got.at(-1) === "function" ? got.pop() : null;
    if (got[0] === "ask") ack({ name, args: got.slice(1) }, "second");
    else if (got[0] === "ask for nothing") ack();
    client.got.push(plain(got));
    client.waits = client.waits.filter((wait) => !wait());
  });
  socket.on("disconnect", (reason) => {
    client.gone = reason;
    client.waits = client.waits.filter((wait) => !wait());
  });
  await new Promise((resolve, reject) => {
    socket.on("connect", resolve);
    socket.on("connect_error", reject);
  });
  if (rooms.length > 0) await new Promise((resolve) => socket.emit("join", rooms, resolve));
  return socket.id;
}

// until waits for a client's marker and takes what it got before it.
function until(name, marker) {
  const client = clients[name];
  const take = () => {
    const at = client.got.findIndex((got) => got[0] === "marker" && got[1] === marker);
    return at < 0 ? null : client.got.splice(0, at + 1).slice(0, at);
  };
  return new Promise((resolve) => {
    const wait = () => {
      const got = take();
      if (got) resolve(got);
      return got !== null;
    };
    if (!wait()) client.waits.push(wait);
  });
}

// seen waits for a client's marker and takes that alone.
function seen(name, marker) {
  const client = clients[name];
  return new Promise((resolve) => {
    const wait = () => {
      const at = client.got.findIndex((got) => got[0] === "marker" && got[1] === marker);
      if (at >= 0) client.got.splice(at, 1);
      if (at >= 0) resolve();
      return at >= 0;
    };
    if (!wait()) client.waits.push(wait);
  });
}

// all does until for every client that is connected.
async function all(marker) {
  const names = Object.keys(clients).filter((name) => !clients[name].gone);
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await until(name, marker)])));
}

// gone waits until a client has been disconnected.
const gone = (name) =>
  new Promise((resolve) => {
    const client = clients[name];
    const wait = () => {
      if (client.gone) resolve(client.gone);
      return Boolean(client.gone);
    };
    if (!wait()) client.waits.push(wait);
  });

const close = (name) => clients[name].socket.disconnect();

serve({ clients, connect, until, seen, all, gone, close }, { id: 0, value: "ready" });
