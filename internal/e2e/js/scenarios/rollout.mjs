// Clients that are there while nodes are restarted one after the other. They reconnect as
// the official client does by itself: after 0.5 to 1.5 s, at random. What each has seen
// goes to the test, which knows what was emitted, and when.

const now = () => performance.timeOrigin + performance.now(); // the clock that the test has too

// Half of the clients poll and half of them have a WebSocket. All are in the room but a
// few, whose polls are held until a ping; a few upgrade.
const kinds = ["polling", "websocket", "polling", "websocket", "polling", "websocket", "polling", "websocket", "silent", "upgrade"];

function client(t, i, room) {
  const kind = kinds[i % kinds.length];
  const socket = t.open("/", { transport: kind === "silent" ? "polling" : kind, client: i % 4 ? "4" : "3", reconnection: true });
  const c = { socket, kind, spans: [], errors: [], duplicated: 0, reordered: 0, heard: [new Set(), new Set(), new Set()], last: [] };
  c.there = () => socket.connected && c.spans.at(-1).from > 0;
  socket.on("connect", () => {
    const span = { sid: socket.io.engine.id };
    c.spans.push(span);
    if (kind === "silent") span.from = now();
    else socket.emit("join", room, (answer) => answer.ok && (span.from = now()));
  });
  socket.on("disconnect", (reason) => Object.assign(c.spans.at(-1), { to: now(), reason }));
  socket.io.on("reconnect_error", (err) => c.errors.push(String(err)));
  return c;
}

function listen(c, latest) {
  c.socket.on("news", (stream, number, at) => {
    if (c.heard[stream].has(number)) c.duplicated++;
    else if (number < (c.last[stream] ?? -1)) c.reordered++;
    c.last[stream] = number;
    c.heard[stream].add(number);
    latest[stream][number] = Math.max(latest[stream][number] ?? 0, now() - at);
  });
}

// seen is what a client tells of itself: of each stream, the numbers that it has missed.
function seen({ kind, spans, errors, duplicated, reordered, heard }, totals) {
  const missed = totals.map((n, stream) => (kind === "silent" ? [] : [...Array(n).keys()].filter((i) => !heard[stream].has(i))));
  return { kind, spans, errors, duplicated, reordered, missed };
}

// stalls notes when this process could not run, or had too much to do: what its clients
// do then they do late, and at once.
function stalls() {
  const all = [];
  let due = now();
  setInterval(() => {
    if (now() - due > 100) all.push({ at: now(), ms: now() - due });
    due = now() + 20;
  }, 20);
  return all;
}

const until = (t, what, holds) =>
  t.named(what, new Promise((resolve) => {
    const look = setInterval(() => {
      if (!holds()) return;
      clearInterval(look);
      resolve();
    }, 20);
  }));

export async function clientsDuringARollout(t) {
  const latest = [[], [], []]; // by stream and number: ms until the last client heard it
  const stalled = stalls();
  const clients = [];
  const all = (what) => until(t, what, () => clients.every((c) => c.there()));
  for (let i = 0; i < t.rest.count; i++) {
    clients.push(client(t, i, t.rest.room));
    listen(clients.at(-1), latest);
    if (i % 10 === 9) await all("clients to join");
  }
  t.say("connected");
  await t.told("restarted");
  await all("everybody to be back");
  t.say("back");
  const totals = JSON.parse(await t.line("how many emits there were"));
  const complete = (c) => c.kind === "silent" || totals.every((n, stream) => c.heard[stream].has(n - 1));
  await until(t, "everybody to hear the last emits", () => clients.every(complete));
  const heard = totals.map((n, stream) => Array.from({ length: n }, (_, i) => latest[stream][i] ?? 0));
  t.say("accounted", { rollout: { witnesses: clients.map((c) => seen(c, totals)), latest: heard, stalls: stalled } });
}
