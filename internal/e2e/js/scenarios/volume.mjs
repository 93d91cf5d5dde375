import { pattern } from "../lib/plain.mjs";

const messages = 10_000;
const window = 250;

// The client counts upwards and the server answers every number with the same
// one, so that both directions are busy while the upgrade runs. An answer is
// awaited every window messages: what waits stays small whatever the machine
// does. The test holds the WebSocket back until a quarter of the messages went
// by polling, and at least as many follow the upgrade.
export async function tenThousandMessagesEachWayInOrder(t) {
  const socket = t.open();
  const received = [];
  socket.on("seq", (i) => received.push(i));
  await t.connected(socket);
  const sent = { polling: 0, websocket: 0 };
  let i = 0;
  const enough = () => i >= messages && (t.transport !== "upgrade" || sent.websocket >= messages / 4);
  while (!enough()) {
    if (i === messages / 4) t.say("upgrade now");
    sent[socket.io.engine.transport.name] += window;
    for (const end = i + window - 1; i < end; i++) socket.emit("seq", i);
    await t.ask(socket, "seq", i++);
  }
  // The server sends a number back before it answers, so all are here.
  t.same(received.length, i);
  t.same(received.findIndex((n, at) => n !== at), -1, "every number once and in order");
  t.same(await t.ask(socket, "seqs"), [{ count: i, firstWrong: -1 }]);
  if (t.transport === "upgrade") t.ok(sent.polling >= messages / 4, `by polling: ${sent.polling}`);
}

// A program that emits in a loop puts all of it into one request body.
export async function burstOverOneRequest(t) {
  const socket = await t.connect();
  const n = 5_000;
  for (let i = 0; i < n; i++) socket.emit("seq", i);
  t.same(await t.ask(socket, "seqs"), [{ count: n, firstWrong: -1 }]);
}

export async function messagesJustUnderTheLimit(t) {
  const socket = await t.connect();
  await t.settled(socket);
  const limit = t.rest.maxPayload;
  // Room for the packet's header; base64 over polling makes four bytes of three.
  const text = "x".repeat(limit - 200);
  const binary = pattern(t.transport === "polling" ? Math.floor(((limit - 400) * 3) / 4) : limit - 200);
  for (const arg of [text, binary]) {
    const back = t.once(socket, "echo-back");
    socket.emit("echo", arg);
    t.same(await back, [arg]);
    t.same(await t.ask(socket, "echo-ack", arg), [arg]);
  }
}

export async function messageOverTheLimitClosesOnlyItsSender(t) {
  const other = await t.connect();
  const socket = await t.connect();
  await t.settled(socket);
  await t.settled(other);
  const id = socket.id;
  const gone = t.once(socket, "disconnect");
  socket.emit("echo", "x".repeat(t.rest.maxPayload + 1));
  const [reason] = await gone;
  t.ok(["transport error", "transport close"].includes(reason), `reason ${reason}`);
  t.same(await t.ask(other, "echo-ack", "unaffected"), ["unaffected"]);
  const [why] = await t.ask(other, "reason-of", id);
  t.ok(["transport error", "transport close", "ping timeout"].includes(why), `server's reason ${why}`);
}
