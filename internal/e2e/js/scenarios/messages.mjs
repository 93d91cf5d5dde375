import { pattern } from "../lib/plain.mjs";

// Values that have broken encoders before.
const values = [
  "plain",
  "",
  'quote " backslash \\ slash / tab \t newline \n',
  "\u0000 \u001e \u001f \u007f \u2028 \u2029 \ufeff",
  "ünïcödé 漢字 🧑‍🚀 \u{10FFFF}",
  "<script>&amp;</script>",
  0,
  -0.5,
  1e21,
  Number.MAX_SAFE_INTEGER,
  true,
  false,
  null,
  [],
  {},
  [[[]], [1, [2, [3]]]],
  { "": 1, "key with spaces": { deeper: [null, { deepest: "x" }] }, constructor: 1, length: 0 },
];

export async function eventsBothWays(t) {
  const socket = await t.connect();
  for (const args of [[], ...values.map((v) => [v]), values, ["name", 1, { a: 1 }]]) {
    const back = t.once(socket, "echo-back");
    socket.emit("echo", ...args);
    t.same(await back, args);
  }
  await t.settled(socket);
  const back = t.once(socket, "echo-back");
  socket.emit("echo", ...values);
  t.same(await back, values);
}

export async function eventNamesOfAnyKind(t) {
  const socket = await t.connect();
  for (const name of ["error", "message", "close", "ping", "data", "__proto__", "constructor", "漢字 🧑‍🚀", "a\nb\"c", "", "0"]) {
    const back = t.once(socket, name);
    socket.emit("say", name, 1, name);
    t.same(await back, [1, name], `event ${JSON.stringify(name)}`);
  }
}

export async function binaryBothWays(t) {
  const socket = await t.connect();
  const backing = pattern(64, 7);
  const rows = {
    "Buffer": [pattern(1000)],
    "empty Buffer": [Buffer.alloc(0)],
    "Uint8Array that is a window": [new Uint8Array(backing.buffer, backing.byteOffset + 5, 20)],
    "ArrayBuffer": [new Uint8Array(pattern(33, 3)).buffer],
    "nested": [{ a: [pattern(10, 2), { b: pattern(11, 3) }], c: "text" }, "after"],
    "ten attachments": Array.from({ length: 10 }, (_, i) => pattern(i * 7, i + 1)),
    "every byte": [Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
    "beside unicode": ["漢字", pattern(3), "\u2028", pattern(4)],
    "100 KiB": [pattern(100 << 10)],
  };
  const run = async () => {
    for (const [name, args] of Object.entries(rows)) {
      const back = t.once(socket, "echo-back");
      socket.emit("echo", ...args);
      t.same(await back, args, name);
    }
  };
  await run();
  await t.settled(socket);
  await run();
}

export async function textAndBinaryStayInOrder(t) {
  const socket = await t.connect();
  const sent = Array.from({ length: 200 }, (_, i) => (i % 3 ? [i] : [i, pattern(i, i + 1)]));
  const back = t.gather(socket, "echo-back", sent.length);
  for (const args of sent) socket.emit("echo", ...args);
  t.same(await back, sent);
}

export async function acksBothWays(t) {
  const socket = await t.connect();
  for (const args of [[], ["one"], values, [{ deep: [pattern(50)] }, 2, pattern(60, 9)]]) {
    t.same(await t.ask(socket, "echo-ack", ...args), args, "client asks");
  }

  socket.on("question", (...args) => args.pop()(...args, "answered"));
  for (const args of [[], values, [pattern(20), { n: pattern(30, 4) }]]) {
    const asked = t.once(socket, "asked");
    socket.emit("ask", "question", ...args);
    t.same(await asked, [...args, "answered"], "server asks");
  }

  socket.on("ignored", () => {});
  const late = t.once(socket, "asked-late");
  socket.emit("ask-late", 50, "ignored");
  t.same(await late, ["operation has timed out"], "an answer that never comes");
  t.same(await t.ask(socket, "echo-ack", "still here"), ["still here"]);
}

export async function manyAcksAtOnce(t) {
  const socket = await t.connect();
  const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => t.ask(socket, "echo-ack", i, `n${i}`)));
  t.same(answers, answers.map((_, i) => [i, `n${i}`]));
}

export async function ackPromisesOfClient4(t) {
  const socket = await t.connect();
  t.same(await socket.timeout(10_000).emitWithAck("echo-ack", 7), 7);
  const err = await socket.timeout(50).emitWithAck("never-answered").catch((e) => e);
  t.same(err.message, "operation has timed out");
}

export async function volatileEventsArriveAtAnIdleClient(t) {
  const socket = await t.connect();
  await t.settled(socket);
  // A polling client is writable only while one of its polls waits: the marker
  // after the volatile event shows when it would have come.
  const got = [];
  socket.on("v", (i) => got.push(i));
  for (let i = 0; i < 5; i++) {
    await t.ask(socket, "volatile", "v", i);
    await t.ask(socket, "echo-ack");
  }
  t.ok(got.every((v, i) => i === 0 || v > got[i - 1]), `in order: ${got}`);
  if (socket.io.engine.transport.name === "websocket") t.same(got, [0, 1, 2, 3, 4]);
}
