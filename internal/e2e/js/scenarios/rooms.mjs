import { pattern } from "../lib/plain.mjs";

// heard makes each client keep what it hears, until the marker that is sent to
// every client last.
function heard(t, sockets) {
  return sockets.map((socket) => {
    const got = [];
    socket.on("news", (...args) => got.push(args));
    return t.once(socket, "marker").then(() => got);
  });
}

export async function roomsExceptAndLeave(t) {
  const room = (name) => `${name}-${t.rest.unique}`;
  const [a, b, c] = await Promise.all([t.connect(), t.connect(), t.connect()]);
  const all = room("all");
  await Promise.all([a, b, c].map((s) => t.ask(s, "join", all)));
  await t.ask(a, "join", room("r1"));
  await t.ask(b, "join", room("r1"));
  await t.ask(b, "join", room("r2"));
  await t.ask(c, "join", room("r2"));

  const results = heard(t, [a, b, c]);
  await t.ask(a, "to", room("r1"), "news", "from a to r1"); // b
  await t.ask(a, "in", room("r1"), "news", "in r1"); // a, b
  await t.ask(a, "to-both", room("r1"), room("r2"), "news", "union, once"); // b, c
  await t.ask(a, "except", all, room("r2"), "news", "all but r2"); // a
  await t.ask(a, "to", c.id, "news", "one socket", pattern(9)); // c
  await t.ask(a, "to", room("nobody"), "news", "nobody");
  await t.ask(b, "leave", room("r2"));
  await t.ask(a, "to", room("r2"), "news", "after leaving"); // c
  await t.ask(a, "in", all, "marker");

  t.same(await Promise.all(results), [
    [["in r1"], ["all but r2"]],
    [["from a to r1"], ["in r1"], ["union, once"]],
    [["union, once"], ["one socket", pattern(9)], ["after leaving"]],
  ]);
}

export async function broadcastAcksAreGathered(t) {
  const room = `acks-${t.rest.unique}`;
  const [asker, one, two] = await Promise.all([t.connect(), t.connect(), t.connect()]);
  for (const socket of [one, two]) await t.ask(socket, "join", room);
  one.on("roll", (n, ack) => ack(`one ${n}`));
  two.on("roll", (n, ack) => ack(`two ${n}`));
  const [err, answers] = await t.ask(asker, "broadcast-ack", 10_000, room, "roll", 6);
  t.same(err, null);
  t.same(answers.sort(), ["one 6", "two 6"]);

  two.off("roll");
  const [late, partial] = await t.ask(asker, "broadcast-ack", 200, room, "roll", 7);
  t.same(late, "operation has timed out");
  t.same(partial, ["one 7"]);
}
