export async function connectAndDisconnect(t) {
  const observer = await t.connect();
  const why = async (socket, act, clientReason, serverReason) => {
    await t.settled(socket);
    const id = socket.id;
    t.ok(/^[\w-]{20}$/.test(id), `socket id ${id}`);
    t.ok(id !== socket.io.engine.id, "the public id is not the session's");
    const gone = t.once(socket, "disconnect");
    act(socket);
    t.same((await gone)[0], clientReason);
    t.same(await t.ask(observer, "reason-of", id), [serverReason]);
    t.same(socket.connected, false);
  };
  await why(await t.connect(), (s) => s.disconnect(), "io client disconnect", "client namespace disconnect");
  await why(await t.connect(), (s) => s.emit("kick", false), "io server disconnect", "server namespace disconnect");
  await why(await t.connect(), (s) => s.emit("kick", true), "io server disconnect", "server namespace disconnect");
  await why(await t.connect(), (s) => s.io.engine.close(), "forced close", "transport close");
}

export async function reconnectsByItselfAfterTransportLoss(t) {
  const socket = await t.connect("/", { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 });
  await t.settled(socket);
  const first = socket.id;
  const gone = t.once(socket, "disconnect");
  socket.io.engine.transport.close();
  await gone;
  await t.connected(socket);
  t.ok(socket.id !== first, "a new socket id");
  t.same(await t.ask(socket, "echo-ack", 1), [1]);
}

export async function namespacesShareAConnection(t) {
  const root = await t.connect("/");
  const manager = root.io;
  const attach = async (name, auth) => {
    const socket = manager.socket(name, auth ? { auth } : undefined);
    socket.trial = { transport: t.transport, namespace: name };
    await t.connected(socket);
    return socket;
  };
  const custom = await attach("/custom");
  const dynamic = await attach("/dyn-42");
  t.same(new Set([root.id, custom.id, dynamic.id]).size, 3, "an id each");

  for (const socket of [root, custom, dynamic]) {
    t.same(await t.ask(socket, "namespace"), [socket.nsp]);
    const back = t.once(socket, "echo-back");
    for (const other of [root, custom, dynamic]) {
      if (other !== socket) other.once("echo-back", () => t.ok(false, `${other.nsp} heard ${socket.nsp}`));
    }
    socket.emit("echo", socket.nsp);
    t.same(await back, [socket.nsp]);
    for (const other of [root, custom, dynamic]) other.off("echo-back");
  }

  const left = custom.id;
  custom.disconnect();
  t.same(await t.ask(root, "reason-of", left), ["client namespace disconnect"]);
  t.same(await t.ask(dynamic, "echo-ack", "alive"), ["alive"]);
  custom.connect();
  await t.connected(custom);
  t.same(await t.ask(custom, "echo-ack", "back"), ["back"]);
  await t.settled(root);
  t.same(await t.ask(custom, "echo-ack", "after the upgrade"), ["after the upgrade"]);
}

export async function unknownNamespaceIsRefused(t) {
  const socket = t.open("/nobody-serves-this");
  const [err] = await t.once(socket, "connect_error");
  t.same(err.message, "Invalid namespace");
  t.same(socket.connected, false);
}

export async function dynamicNamespaceAsksItsFunction(t) {
  const admitted = await t.connect("/fn-room", { auth: { admit: true } });
  t.same(await t.ask(admitted, "namespace"), ["/fn-room"]);
  const refused = t.open("/fn-other", { auth: { admit: false } });
  const [err] = await t.once(refused, "connect_error");
  t.same(err.message, "Invalid namespace");
}

export async function authPayloadArrives(t) {
  const auth = { token: "té✓", nested: { list: [1, null, "x"] } };
  for (const given of [auth, (cb) => cb(auth)]) {
    for (const namespace of ["/", "/custom"]) {
      const socket = t.open(namespace, { auth: given });
      const seen = t.once(socket, "auth");
      await t.connected(socket);
      t.same(await seen, [auth]);
    }
  }
  const bare = t.open("/");
  t.same(await t.once(bare, "auth"), [{}]);
}

export async function handshakeIsVisible(t) {
  const socket = await t.connect("/", { query: { plan: "gold & blue" }, extraHeaders: { "x-trial": "yes" } });
  const [seen] = await t.ask(socket, "handshake");
  t.same(seen.plan, "gold & blue");
  t.same(seen.trial, "yes");
  t.ok(["127.0.0.1", "::1"].includes(seen.address), `address ${seen.address}`);
  t.same(seen.secure, false);
}

export async function refusalCarriesItsData(t) {
  const socket = t.open("/guarded", { auth: { token: "wrong" } });
  const [err] = await t.once(socket, "connect_error");
  t.same(err.message, "not authorized");
  t.same(err.data, { code: 401, hint: "ask for a token ✓" });

  // The refused client may try again over the same connection.
  socket.auth = { token: "secret" };
  socket.connect();
  await t.connected(socket);
  t.same(await t.ask(socket, "echo-ack", 1), [1]);
}
