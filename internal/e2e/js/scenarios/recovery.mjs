// Connection state recovery, as the official client does it.
import { Fleet } from "../lib/members.mjs";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// cut ends the connection as a network does, without a word. The client comes back when
// the test says so.
async function cut(t, socket) {
  const gone = t.once(socket, "disconnect");
  socket.io.engine.close();
  await gone;
}

async function comeBack(t, socket) {
  const there = t.connected(socket);
  socket.connect();
  await there;
}

// emit has the test's backend send an event, and waits for its answer.
async function emit(t, request) {
  t.say("emit", { id: JSON.stringify(request) });
  await t.told("sent");
}

const heardBy = (socket) => {
  const heard = [];
  socket.onAny((...args) => heard.push(args.slice(0, -1))); // the last is the offset
  return heard;
};

// A client gets what was for it and not what was not, once and in order, and is the same
// as before.
export async function whatWasMissedIsMadeUpFor(t) {
  const socket = await t.connect();
  t.same(socket.recovered, false);
  t.ok(/^[\w-]{20,}$/.test(socket._pid), `a private id: ${socket._pid}`);
  const mine = `mine-${t.rest.unique}`, other = `other-${t.rest.unique}`;
  const [a, b] = [`a-${t.rest.unique}`, `b-${t.rest.unique}`];
  for (const room of [a, b]) t.same(await t.ask(socket, "join", room), [{ ok: true }]);
  const heard = heardBy(socket);
  const { id, _pid: pid } = socket;

  const first = t.once(socket, "first");
  await emit(t, { target: { rooms: [a] }, event: "first", args: [] });
  const [offset] = await first;
  t.ok(/^\d+-\d+$/.test(offset), `an offset: ${offset}`);

  await cut(t, socket);
  await emit(t, { target: { sockets: [id] }, event: mine, args: ["direct"] });
  await emit(t, { target: { all: true }, event: mine, args: ["all", { deep: [1, null, "é"] }] });
  await emit(t, { target: { rooms: [other] }, event: mine, args: ["of another room"] });
  await emit(t, { target: { rooms: [a, b] }, event: mine, args: ["of both rooms"] });
  await emit(t, { target: { rooms: [a] }, except: { rooms: [b] }, event: mine, args: ["but for b"] });
  await emit(t, { target: { all: true }, except: { sockets: [id] }, event: mine, args: ["but for it"] });
  await emit(t, { target: { all: true }, event: mine, args: ["volatile"], volatile: true });
  const publisher = await t.connect();
  const binary = Buffer.from([0, 1, 2, 255]);
  t.same(await t.ask(publisher, "publish", b, mine, binary, { in: [binary] }), [{ ok: true }]);

  const last = t.gather(socket, mine, 4);
  await comeBack(t, socket);
  t.same(socket.recovered, true);
  t.same([socket.id, socket._pid], [id, pid]);
  await last;
  const want = [["first"], [mine, "direct"], [mine, "all", { deep: [1, null, "é"] }], [mine, "of both rooms"], [mine, binary, { in: [binary] }]];
  t.same(heard, want);

  // It is in its rooms, and in order behind what it had missed.
  t.same(await t.ask(publisher, "publish", a, mine, "after"), [{ ok: true }]);
  const after = t.once(socket, "end");
  await emit(t, { target: { sockets: [id] }, event: "end", args: [] });
  await after;
  t.same(heard, [...want, [mine, "after"], ["end"]]);
}

// A client that has never got an event gets what came since it was connected, though it
// can't say from where on; and one that was away for nothing loses nothing.
export async function whoHasHeardNothingRecoversToo(t) {
  const socket = await t.connect();
  const { id } = socket;
  const heard = heardBy(socket);
  await cut(t, socket);
  await comeBack(t, socket);
  t.same([socket.recovered, socket.id, socket._lastOffset], [true, id, undefined]);
  await cut(t, socket);
  await emit(t, { target: { sockets: [id] }, event: "ev", args: [1] });
  await comeBack(t, socket);
  t.same([socket.recovered, socket.id], [true, id]);
  await t.named("the event", (async () => {
    while (!heard.length) await pause(10);
  })());
  t.same(heard, [["ev", 1]]);
}

// What is not known, not its own, or not well formed makes a new session.
export async function unknownSessionsStartAfresh(t) {
  const known = await t.connect();
  const bad = ["", "x", "x".repeat(24), "x".repeat(100_000 >> 2), 7, null, {}, known._pid.slice(1), known._pid.toLowerCase() + "x"];
  for (const pid of bad) {
    const socket = await t.connect("/", { auth: { pid, offset: "0-1" } });
    t.same(socket.recovered, false);
    t.ok(socket.id !== known.id && socket._pid !== pid, `another session than with ${pid}`);
    socket.disconnect();
  }
  // An offset that is none. The session is there all the same.
  await cut(t, known);
  const before = known.id;
  known._lastOffset = "nonsense";
  await comeBack(t, known);
  t.same(known.recovered, false);
  t.ok(known.id !== before, "a new session");
}

// Who leaves on purpose has no session to come back to.
export async function whoLeavesStartsAfresh(t) {
  const socket = await t.connect();
  const { id } = socket;
  const gone = t.once(socket, "disconnect");
  socket.disconnect();
  await gone;
  await comeBack(t, socket);
  t.same(socket.recovered, false);
  t.ok(socket.id !== id, "a new session");
}

export async function nobodyRecoversWithoutIt(t) {
  const socket = await t.connect();
  t.same(socket._pid, undefined);
  await cut(t, socket);
  await comeBack(t, socket);
  t.same(socket.recovered, undefined);
}

// A session is its user's, with what the token grants.
export async function sessionsBelongToTheirUsers(t) {
  const { token, other, narrower, expired } = t.rest;
  const owner = await t.connect("/", { auth: { token } });
  const { id, _pid: pid } = owner;
  await cut(t, owner);
  for (const auth of [{ token: other, pid }, { token: narrower, pid }]) {
    const thief = await t.connect("/", { auth });
    t.same(thief.recovered, false);
    t.ok(thief.id !== id && thief._pid !== pid, "a session of its own");
    thief.disconnect();
  }
  for (const [auth, code] of [[{ pid }, "token_missing"], [{ pid, token: expired }, "token_expired"]]) {
    const thief = t.open("/", { auth });
    const [err] = await t.once(thief, "connect_error");
    t.same(err.data, { code });
  }
  await comeBack(t, owner);
  t.same([owner.recovered, owner.id], [true, id]);

  // A token that was renewed is as good as the first.
  t.same(await t.ask(owner, "refresh", t.rest.renewed), [{ ok: true }]);
  owner.auth = { token: t.rest.renewed };
  await cut(t, owner);
  await comeBack(t, owner);
  t.same([owner.recovered, owner.id], [true, id]);
}

// Members of rooms live through something that happens to the nodes.
export async function membersLiveThroughIt(t) {
  const fleet = new Fleet(t.io, { urls: t.rest.urls, members: t.rest.members });
  t.ok(await t.named("everybody to join", fleet.ready()), "everybody there");
  fleet.talk(t.rest.every ?? 10);
  await pause(500);
  t.say("connected");
  await t.told("over");
  t.say("recovered", { recovery: await t.named("all to be back", fleet.finish()) });
  fleet.close();
}
