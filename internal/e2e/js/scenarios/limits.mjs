// A node that is full, or puts new connections off, answers with 503 or 429: the client
// takes it as any failed attempt, comes back by its own back-off, and is let in when there is room.
export async function comesInWhenThereIsRoom(t) {
  const first = await t.connect();
  const second = t.open("/", { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 100 });
  let attempts = 0;
  second.io.on("reconnect_attempt", () => attempts++);
  await t.once(second, "connect_error");
  await t.named("three more attempts", new Promise((resolve) => {
    const look = () => (attempts >= 3 ? resolve() : second.io.once("reconnect_attempt", look));
    look();
  }));
  t.same(second.connected, false);
  t.same((await t.ask(first, "leave", "nowhere"))[0], { ok: true }, "who is in is served");
  first.disconnect();
  await t.connected(second);
  await t.settled(second);
  t.same((await t.ask(second, "leave", "nowhere"))[0], { ok: true });
}
