const ok = [{ ok: true }];
const transports = ["polling", "upgrade", "websocket"];
const members = 10; // of a room, of all kinds
const prefix = "demo:"; // of rooms that are open to all in docker-compose.yml

// Clients behind a balancer that knows nothing of sessions: a third polls, a third
// upgrades, a third is born on WebSocket. Everybody publishes to a room and hears the
// others of it, each once and in order, while more clients come and go.
export async function nobodyNoticesTheBalancer(t) {
  const { count, visitors } = t.rest;
  const all = await group(count, 25, async (i) => {
    const socket = await t.connect("/", { transport: transports[i % 3] });
    socket.label = `client ${i} (${transports[i % 3]})`;
    socket.room = `${prefix}room-${t.rest.unique}-${Math.floor(i / members)}`;
    await t.settled(socket);
    t.same(await t.ask(socket, "join", socket.room), ok);
    return socket;
  });
  t.say("connected");
  let over = false;
  const traffic = Array.from({ length: visitors }, (_, i) => visit(t, i, () => over));
  await talk(t, all);
  over = true;
  const visits = (await Promise.all(traffic)).reduce((a, b) => a + b, 0);
  t.ok(visits >= visitors, `only ${visits} clients came and went`);
  for (const socket of all) t.ok(socket.connected, `${socket.label} was disconnected`);
  t.say("talked", { error: `${visits} clients came and went` });
  await t.told("done");
}

// group makes n things, some at a time.
async function group(n, atOnce, make) {
  const out = new Array(n);
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < n) {
        const i = next++;
        out[i] = await make(i);
      }
    }),
  );
  return out;
}

// visit connects, says something to itself through a room, and goes, again and again.
async function visit(t, n, over) {
  let visits = 0;
  for (; !over(); visits++) {
    const transport = transports[(n + visits) % 3];
    const socket = await t.connect("/", { transport });
    const friend = await t.connect("/", { transport: transports[(n + visits + 1) % 3] });
    const room = `${prefix}visit-${t.rest.unique}-${n}-${visits}`;
    t.same(await t.ask(friend, "join", room), ok);
    const heard = t.once(friend, "news");
    t.same(await t.ask(socket, "publish", room, "news", visits), ok);
    t.same(await heard, [visits]);
    socket.disconnect();
    friend.disconnect();
  }
  return visits;
}

// talk lets everybody publish to its room at a pace, and checks what arrives.
async function talk(t, all) {
  const { messages, pause } = t.rest;
  const complete = all.map((member) => {
    const others = all.filter((m) => m.room === member.room && m !== member);
    const next = new Map(others.map((m) => [m.label, 0]));
    let missing = others.length * messages;
    return t.named(
      `${member.label} to hear ${missing} events`,
      new Promise((resolve, reject) => {
        member.on("news", (from, i) => {
          if (i !== next.get(from)) return reject(new Error(`${member.label} heard ${i} of ${from}, expected ${next.get(from)}`));
          next.set(from, i + 1);
          if (--missing === 0) resolve();
        });
        member.on("disconnect", (reason) => reject(new Error(`${member.label} was disconnected: ${reason}`)));
      }),
    );
  });
  const speak = all.map(async (member, n) => {
    await new Promise((resolve) => setTimeout(resolve, (n / all.length) * pause));
    for (let i = 0; i < messages; i++) {
      t.same(await t.ask(member, "publish", member.room, "news", member.label, i), ok);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  });
  await Promise.all([...speak, ...complete]);
  for (const member of all) member.removeAllListeners("disconnect");
}

// Clients that poll and clients on WebSocket, of every node, hear each event of a backend
// once. The test sends them when all have joined.
export async function everyNodeHearsTheBackend(t) {
  const { nodes, room, events: sent } = t.rest;
  const heard = [];
  for (const transport of ["polling", "websocket"]) {
    const seen = new Set();
    const come = async () => {
      const socket = await t.connect("/", { transport });
      seen.add(socket.io.engine.id.slice(0, 4));
      t.same(await t.ask(socket, "join", room), ok);
      heard.push(t.gather(socket, "chat", sent.length));
    };
    // At once: one after the other, each could take as many turns as there are nodes, and
    // all come to the same.
    while (seen.size < nodes) await group(nodes, nodes, come);
  }
  t.say("joined", { error: `${heard.length} clients` });
  for (const events of await Promise.all(heard)) t.same(events.flat().sort(), sent);
}

// A node dies. Its clients, and those who reached another through it, come back by
// themselves, to nodes that live; the rest go on.
export async function clientsOfADeadNodeComeBack(t) {
  const { count, dead } = t.rest;
  const all = await group(count, 20, async (i) => {
    const socket = t.open("/", { transport: transports[i % 3], reconnection: true, reconnectionDelay: 100, reconnectionDelayMax: 500 });
    socket.label = `client ${i} (${transports[i % 3]})`;
    await t.connected(socket);
    await t.settled(socket);
    return socket;
  });
  const tag = (socket) => socket.io.engine.id.slice(0, 4);
  const bereaved = all.filter((socket) => tag(socket) === dead);
  t.ok(bereaved.length > 0, "the dead node has no clients");
  const back = bereaved.map((socket) =>
    t.named(`${socket.label} to come back`, new Promise((resolve) => socket.once("disconnect", () => socket.once("connect", resolve)))),
  );
  t.say("connected");
  await t.told("killed");
  await Promise.all(back);
  for (const socket of bereaved) t.ok(tag(socket) !== dead, `${socket.label} is on the dead node`);
  await Promise.all(all.map((socket) => t.connected(socket)));
  t.say("reconnected", { error: `${bereaved.length} clients came back` });
}
