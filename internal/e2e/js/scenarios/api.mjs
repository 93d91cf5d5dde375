// What backends do by the server API reaches official clients.

// A client of another node than the one that is asked hears each backend's event. The
// test runs the backends, one after the other, when it is told "ready".
export async function backendsReachAClientOfAnotherNode(t) {
  const member = await t.connect("/", { url: t.rest.urls[1] });
  t.same(await t.ask(member, "join", "tea"), [{ ok: true }]);
  const poured = t.gather(member, "poured", t.rest.backends);
  t.say("ready");
  t.same(await poured, Array(t.rest.backends).fill([2]));
}

// Clients of both versions on two nodes are asked for acks, and then disconnected as one
// user. The test has the API do it.
export async function backendAsksAndDisconnectsAUser(t) {
  const ann = await Promise.all(
    ["4", "3"].flatMap((client) => t.rest.urls.map((url) => t.connect("/", { url, client, transport: "websocket" }))),
  );
  const bob = await t.connect("/", { url: t.rest.urls[1] });
  for (const socket of ann) socket.on("ask", (cups, answer) => answer("mine", cups, { binary: Buffer.from([1, 2]) }));
  const gone = ann.map((socket) => t.once(socket, "disconnect"));
  t.say("ready", { id: ann.map((socket) => socket.id).join(" ") });
  for (const reason of await Promise.all(gone)) t.same(reason[0], "io server disconnect");
  t.same(bob.connected, true);
  t.say("gone");
  const still = t.once(bob, "still");
  t.say("waiting");
  t.same(await still, ["there?"]);
}
