// The handler blocks for longer than a ping may take; the connection stays, its
// events stay in order, and other clients do not wait.
export async function slowHandlerKeepsItsConnection(t) {
  const [slow, other] = await Promise.all([t.connect(), t.connect()]);
  const order = [];
  const first = t.ask(slow, "slow", t.rest.blockMs).then(() => order.push("slow"));
  const second = t.ask(slow, "echo-ack").then(() => order.push("after"));
  await t.ask(other, "echo-ack").then(() => order.push("other"));
  await Promise.all([first, second]);
  t.same(order, ["other", "slow", "after"]);
  t.same(slow.connected, true);
}

// A handler may wait for an answer of the same client.
export async function handlerAsksItsOwnClient(t) {
  const socket = await t.connect();
  socket.on("question", (n, ack) => ack(n * 2));
  t.same(await t.ask(socket, "ask-inside", "question", 21), [42]);
}

export async function panicClosesOnlyItsConnection(t) {
  const options = { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 };
  const [bad, other] = await Promise.all([t.connect("/", options), t.connect()]);
  await t.settled(bad);
  const id = bad.id;
  const gone = t.once(bad, "disconnect");
  bad.emit("panic");
  await gone;
  t.same(await t.ask(other, "echo-ack", "unaffected"), ["unaffected"]);
  t.same((await t.ask(other, "reason-of", id)).length, 1);
}

// The test stops or kills this process while it is connected.
export async function connectedUntilStopped(t) {
  const socket = await t.connect("/", { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 });
  await t.settled(socket);
  if (t.rest.room) t.same(await t.ask(socket, "join", t.rest.room), [{ ok: true }]);
  t.say("connected", { id: socket.id });
  const again = t.once(socket, "disconnect");
  await again;
  await t.connected(socket);
  t.say("reconnected", { id: socket.id });
}

// The node is restarted by the test. The client comes back by itself and joins again.
export async function reconnectsAfterRestart(t) {
  const socket = t.open("/", { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 200 });
  const room = `restart-${t.rest.unique}`;
  const joined = () =>
    t.named("to join", new Promise((resolve) => socket.once("connect", async () => resolve(await t.ask(socket, "join", room)))));
  t.same(await joined(), [{ ok: true }]);
  await t.settled(socket);
  for (const how of t.rest.restarts) {
    const [gone, back] = [t.once(socket, "disconnect"), joined()];
    t.say("connected");
    const [reason] = await gone;
    t.ok(["transport close", "transport error"].includes(reason), `${how}: ${reason}`);
    t.same(await back, [{ ok: true }]);
    await t.settled(socket);
    const publisher = await t.connect("/", { transport: "websocket" });
    const heard = t.once(socket, "news");
    t.same(await t.ask(publisher, "publish", room, "news", how), [{ ok: true }]);
    t.same(await heard, [how]);
    publisher.disconnect();
  }
}
