// Members of one room while its nodes are restarted one after the other. They reconnect
// as the official client does by itself: after 0.5 to 1.5 s, at random. What each has seen
// goes to the test, which knows what was emitted, and when.

const now = () => performance.timeOrigin + performance.now(); // the clock that the test has too

function member(t, i, room) {
  const kind = { transport: i % 2 ? "websocket" : "polling", client: i % 8 < 2 ? "3" : "4" };
  const socket = t.open("/", { ...kind, reconnection: true });
  const m = { socket, kind, spans: [], errors: [], duplicated: 0, reordered: 0, heard: [new Map(), new Map(), new Map()] };
  m.joined = () => socket.connected && m.spans.at(-1)?.from > 0;
  socket.on("connect", () => {
    const span = { sid: socket.io.engine.id, connected: now() };
    m.spans.push(span);
    socket.emit("join", room, (answer) => {
      if (answer.ok) span.from = now();
    });
  });
  socket.on("disconnect", (reason) => Object.assign(m.spans.at(-1), { to: now(), reason }));
  socket.io.on("reconnect_error", (err) => m.errors.push(String(err)));
  socket.on("news", (stream, number, at) => {
    const heard = m.heard[stream];
    if (heard.has(number)) m.duplicated++;
    else if (number < (m.last?.[stream] ?? -1)) m.reordered++;
    (m.last ??= [])[stream] = number;
    heard.set(number, now() - at);
  });
  return m;
}

// seen is what a member tells of itself: of each stream, the numbers that it has missed.
function seen(m, totals) {
  const missed = totals.map((total, stream) => Array.from({ length: total }, (_, n) => n).filter((n) => !m.heard[stream].has(n)));
  const latest = Math.max(...m.heard.flatMap((h) => [...h.values()]));
  const { kind, spans, errors, duplicated, reordered } = m;
  return { transport: kind.transport, spans, errors, duplicated, reordered, missed, latest };
}

export async function membersDuringARollout(t) {
  const { count, room } = t.rest;
  const members = [];
  const all = (what) =>
    t.named(what, new Promise((resolve) => {
      const look = setInterval(() => {
        if (!members.every((m) => m.joined())) return;
        clearInterval(look);
        resolve();
      }, 20);
    }));
  for (let i = 0; i < count; i++) {
    members.push(member(t, i, room));
    if (i % 10 === 9) await all("members to join");
  }
  t.say("connected");
  await t.told("restarted");
  await all("everybody to be back");
  t.say("back");
  const totals = JSON.parse(await t.line("the numbers of emits"));
  const complete = () => members.every((m) => totals.every((n, stream) => m.heard[stream].has(n - 1)));
  await t.named("everybody to hear the last emits", new Promise((resolve) => {
    const look = setInterval(() => {
      if (!complete()) return;
      clearInterval(look);
      resolve();
    }, 20);
  }));
  t.say("accounted", { witnesses: members.map((m) => seen(m, totals)) });
}
