import { createHmac } from "node:crypto";

const ok = [{ ok: true }];
const forbidden = [{ ok: false, error: "forbidden" }];

// refusal opens a client and returns the error that it is refused with.
async function refusal(t, namespace, auth) {
  const socket = t.open(namespace, { auth });
  const [err] = await t.once(socket, "connect_error");
  t.same(socket.connected, false);
  return err;
}

export async function tokenGrantsAndRefusals(t) {
  for (const [code, token] of Object.entries(t.rest.refused)) {
    const err = await refusal(t, "/", token ? { token } : {});
    t.same(err.data, { code });
    t.ok(err.message.length > 0 && !err.message.includes(token || "undefined"), "a message without the token");
  }
  t.same((await refusal(t, "/other", {})).message, "Invalid namespace");

  const [a, b, guest] = await Promise.all([
    t.connect("/", { auth: { token: t.rest.token } }),
    t.connect("/", { auth: (done) => done({ token: t.rest.token }) }),
    t.connect("/public"),
  ]);
  const room = `tea:${t.rest.unique}`;
  t.same(await t.ask(a, "join", room), ok);
  t.same(await t.ask(a, "join", "coffee"), forbidden);
  t.same(await t.ask(a, "join", "user:43"), forbidden);
  t.same(await t.ask(a, "leave", "user:42"), forbidden);
  t.same(await t.ask(a, "publish", b.id, "ev"), forbidden);
  t.same(await t.ask(guest, "join", "lobby"), forbidden);
  t.same(await t.ask(guest, "publish", "lobby", "ev"), ok);

  const heard = t.once(a, "poured");
  t.same(await t.ask(b, "publish", room, "poured", 1), ok);
  t.same(await heard, [1]);

  // Every socket of the user is in the user's room.
  const mine = t.once(b, `mine-${t.rest.unique}`);
  t.same(await t.ask(a, "publish", "user:42", `mine-${t.rest.unique}`, "x"), ok);
  t.same(await mine, ["x"]);
}

export async function tokenEndsAndIsRenewed(t) {
  const left = () => t.rest.ends * 1000 - Date.now();
  const back = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 100 };
  let token = t.rest.short;
  const returns = await t.connect("/", { ...back, auth: (done) => done({ token }) });
  const renews = await t.connect("/", { auth: { token: t.rest.short } });
  const stays = await t.connect("/", { ...back, auth: { token: t.rest.short } });
  renews.on("disconnect", (reason) => t.ok(false, `renewed, and yet: ${reason}`));

  t.same(await t.ask(renews, "refresh", "nonsense"), [{ ok: false, error: "forbidden", code: "token_invalid" }]);
  t.same(await t.ask(renews, "refresh", t.rest.long), ok);

  // It comes back by itself, and gives the token that it is asked for then.
  token = t.rest.long;
  const gone = t.once(returns, "disconnect").then(([reason]) => [reason, left()]);
  const refused = t.once(stays, "connect_error");
  const [reason, early] = await gone;
  t.same(reason, "transport close");
  t.ok(early <= 0 && early > -2000, `it ended ${early} ms before its token`);
  await t.connected(returns);

  // One that has no new token is told why.
  const [err] = await refused;
  t.same(err.data, { code: "token_expired" });
  t.same(await t.ask(renews, "join", "x"), forbidden);
  t.same(returns.connected, true);
}

// signed is a token that whoever knows the secret can make.
function signed(secret, claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

// Whichever node a client comes to, it gets in with a token of the right secret, may do
// what the token says, and is refused without one.
export async function onlyTokensOpenTheDoor(t) {
  const claims = { sub: "42", exp: Math.floor(Date.now() / 1000) + 600, allow: { join: ["team:*"] } };
  const good = { token: signed(t.rest.secret, claims) };
  const bad = { token: signed(t.rest.secret.replace(/./g, "x"), claims) };
  for (const transport of ["websocket", "polling", "upgrade"]) {
    t.transport = transport;
    const seen = new Set();
    for (let i = 0; i < t.rest.nodes; i++) {
      const socket = await t.connect("/", { auth: good });
      seen.add(socket.io.engine.id.slice(0, 4));
      t.same(await t.ask(socket, "join", "team:7"), ok);
      t.same(await t.ask(socket, "join", "lobby"), forbidden);
    }
    // A WebSocket is one request, and the balancer deals requests in turn.
    if (transport === "websocket") t.same(seen.size, t.rest.nodes);
    for (let i = 0; i < t.rest.nodes; i++) t.same((await refusal(t, "/", {})).data, { code: "token_missing" });
    for (let i = 0; i < t.rest.nodes; i++) t.same((await refusal(t, "/", bad)).data, { code: "token_invalid" });
  }
  // Who is inside hears what a backend says to the user, which the test has it do.
  const inside = await t.connect("/", { auth: good });
  const chat = t.once(inside, "chat");
  t.say("inside");
  t.same(await chat, ["for you alone"]);
}
