// Members of one room on all nodes talk while something happens to a node. Every event
// has a number; afterwards each is accounted for at each member that should have heard it.

const settle = 1000; // ms in which a connection that was lost has been noticed

function member(t, room) {
  const socket = t.open("/", { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 300, timeout: 2000 });
  const m = { socket, heard: new Map(), last: new Map(), duplicated: 0, reordered: 0, from: Infinity, losses: [] };
  m.joined = () => m.from !== Infinity;
  socket.on("connect", async () => {
    m.node = socket.id.slice(0, 4);
    const [answer] = await t.ask(socket, "join", room);
    if (answer.ok) m.from = performance.now();
  });
  socket.on("disconnect", () => {
    m.losses.push({ from: m.from, at: performance.now() });
    m.from = Infinity;
  });
  socket.on("news", (sender, number) => {
    if (m.heard.has(number)) m.duplicated++;
    if (number < (m.last.get(sender) ?? -1)) m.reordered++;
    m.last.set(sender, number);
    m.heard.set(number, performance.now());
  });
  return m;
}

// was says whether a member was in the room at a moment, and stayed for a while.
const was = (m, at) => m.from < at && !m.losses.some((l) => l.at > at - settle && l.from > at - settle) && !m.losses.some((l) => l.at > at - settle && l.at < at + settle);

function account(members, sent, calm) {
  const a = { sent: sent.length, expected: 0, lost: 0, lostOnOneNode: 0, lostAfter: 0, duplicated: 0, reordered: 0, latest: 0 };
  for (const m of members) {
    a.duplicated += m.duplicated;
    a.reordered += m.reordered;
    for (const { number, sender, node, at } of sent) {
      if (m === sender || !was(m, at) || !was(sender, at)) continue;
      a.expected++;
      const heard = m.heard.get(number);
      if (heard !== undefined) {
        a.latest = Math.max(a.latest, Math.round(heard - at));
        continue;
      }
      a.lost++;
      if (m.node === node) a.lostOnOneNode++;
      if (at > calm) a.lostAfter++;
    }
  }
  return a;
}

export async function talkWhileANodeIsIll(t) {
  const room = `ill-${t.rest.unique}`;
  const members = Array.from({ length: t.rest.members }, () => member(t, room));
  const all = (what) =>
    t.named(what, new Promise((resolve) => {
      const look = setInterval(() => {
        if (!members.every((m) => m.joined())) return;
        clearInterval(look);
        resolve();
      }, 10);
    }));
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  await all("everybody to join");

  const sent = [];
  const talk = setInterval(() => {
    const number = sent.length;
    const sender = members[number % members.length];
    if (!sender.joined()) return;
    sent.push({ number, sender, node: sender.node, at: performance.now() });
    sender.socket.emit("publish", room, "news", number % members.length, number);
  }, 10);
  await pause(500);
  t.say("connected");
  await t.told("healed");
  const begin = performance.now();
  await all("everybody to be back");
  const back = Math.round(performance.now() - begin);
  const calm = performance.now();
  await pause(settle + 500);
  clearInterval(talk);
  await pause(settle + 100);
  const result = { back, lostConnections: members.reduce((n, m) => n + m.losses.length, 0), ...account(members, sent, calm) };
  t.say("accounted", { account: result });
}
