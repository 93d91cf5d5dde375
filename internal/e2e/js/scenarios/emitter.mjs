// What an emitter outside of the cluster says reaches the clients it is meant for.
// The test runs the emitter of docs/redis-wire-format.md when it is told "ready".
export async function emitterOfThePage(t) {
  const member = await t.connect();
  const chat = await t.connect("/chat");
  const outsider = await t.connect();
  const heard = [];
  outsider.onAny((...event) => heard.push(event));
  for (const room of ["room1", "a", "b"]) t.same(await t.ask(member, "join", room), [{ ok: true }]);
  for (const room of ["a", "c"]) t.same(await t.ask(outsider, "join", room), [{ ok: true }]);

  const news = t.gather(member, "news", 2);
  const tick = t.once(chat, "tick");
  const hello = t.once(outsider, "hello");
  t.say("ready");
  t.same(await news, [[{ title: "Hello" }], [new Uint8Array([1, 2])]]);
  t.same(await tick, [1]);
  t.same(await hello, [1]); // the last that is said
  t.same(heard, [["hello", 1]], "who is in no room, or in one that is left out");
}
