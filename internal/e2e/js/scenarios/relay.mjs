import { pattern } from "../lib/plain.mjs";

const ok = [{ ok: true }];

export async function relayBetweenTwoClients(t) {
  const room = `chat-${t.rest.unique}`;
  const [a, b, outsider] = await Promise.all([t.connect(), t.connect(), t.connect()]);
  for (const socket of [a, b]) t.same(await t.ask(socket, "join", room), ok);
  for (const socket of [a, outsider]) socket.on("news", () => t.ok(false, "only the others in the room hear it"));

  const rows = [
    [],
    ["text", 1, null, { a: [1, 2] }],
    ["漢字 🧑‍🚀 \u2028 \u001e <&>"],
    [pattern(500), { deep: [pattern(20, 2)] }, "after"],
    Array.from({ length: 10 }, (_, i) => pattern(i + 1, i + 1)),
    [{ _placeholder: false, num: 0 }],
  ];
  for (const args of rows) {
    const heard = t.once(b, "news");
    t.same(await t.ask(a, "publish", room, "news", ...args), ok);
    t.same(await heard, args);
  }

  // Without an ack callback it works as well, and from outside the room.
  const heard = t.once(b, "unacked");
  outsider.emit("publish", room, "unacked", 1);
  t.same(await heard, [1]);

  const toOne = t.once(b, "direct");
  t.same(await t.ask(outsider, "publish", b.id, "direct", "to one socket"), ok);
  t.same(await toOne, ["to one socket"]);

  // b leaves the room and still hears the marker, which is sent after what it must not hear.
  t.same(await t.ask(b, "join", `${room}-marker`), ok);
  t.same(await t.ask(b, "leave", room), ok);
  b.on("missed", () => t.ok(false, "left the room"));
  const marker = t.once(b, "marker");
  t.same(await t.ask(a, "publish", room, "missed"), ok);
  t.same(await t.ask(a, "publish", `${room}-marker`, "marker"), ok);
  await marker;
}

export async function relayRefusesWhatIsInvalid(t) {
  const socket = await t.connect();
  const invalid = [{ ok: false, error: "invalid" }];
  const rows = {
    "join without a room": ["join"],
    "join a number": ["join", 7],
    "join an object": ["join", { toString: "x" }],
    "join with binary": ["join", pattern(4)],
    "leave null": ["leave", null],
    "publish without an event": ["publish", "room"],
    "publish to an array": ["publish", ["room"], "event"],
    "publish an event that is an object": ["publish", "room", { a: 1 }],
    "publish a reserved event": ["publish", "room", "disconnect"],
  };
  for (const [name, [event, ...args]] of Object.entries(rows)) {
    t.same(await t.ask(socket, event, ...args), invalid, name);
  }
  t.same(socket.connected, true);
}

// Without --dev nothing is granted.
export async function relayForbidsByDefault(t) {
  const socket = await t.connect();
  const forbidden = [{ ok: false, error: "forbidden" }];
  t.same(await t.ask(socket, "join", "room"), forbidden);
  t.same(await t.ask(socket, "publish", "room", "event"), forbidden);
}

export async function roomsPerSocketHaveALimit(t) {
  const socket = await t.connect();
  const answers = [];
  for (let i = 0; i < 200; i++) answers.push((await t.ask(socket, "join", `many-${t.rest.unique}-${i}`))[0]);
  const refused = answers.findIndex((a) => !a.ok);
  t.ok(refused > 0, "some room is one too many");
  t.same(answers.slice(refused), answers.slice(refused).map(() => ({ ok: false, error: "limit" })));
}
