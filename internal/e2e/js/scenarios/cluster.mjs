import { pattern } from "../lib/plain.mjs";

const ok = [{ ok: true }];
const kinds = [
  { client: "4", transport: "websocket" },
  { client: "4", transport: "polling" },
  { client: "4", transport: "upgrade" },
  { client: "3", transport: "websocket" },
  { client: "3", transport: "upgrade" },
];

// members connects one client of each kind to each node.
function members(t) {
  return Promise.all(
    t.rest.urls.flatMap((url, node) =>
      kinds.map(async (kind) => Object.assign(await t.connect("/", { ...kind, url }), { label: `node ${node} ${kind.client} ${kind.transport}` })),
    ),
  );
}

// Each member publishes to the room while all the others do; everyone hears each
// publisher's events once and in its order, and never its own.
export async function everyMemberHearsEveryPublisherInOrder(t) {
  const room = `order-${t.rest.unique}`;
  const all = await members(t);
  await Promise.all(all.map(async (m) => t.same(await t.ask(m, "join", room), ok)));
  const count = t.rest.count;
  const total = (all.length - 1) * count;
  const complete = all.map((member, self) =>
    t.named(
      `${member.label} to hear ${total} events`,
      new Promise((resolve, reject) => {
        const next = all.map(() => 0);
        let heard = 0;
        member.on("news", (publisher, i, binary) => {
          if (publisher === self) return reject(new Error(`${member.label} heard itself`));
          if (i !== next[publisher]) {
            return reject(new Error(`${member.label} heard ${i} of ${all[publisher].label}, expected ${next[publisher]}`));
          }
          if (i % 10 === 0) t.same(binary, pattern(i, publisher + 1), "binary across nodes");
          next[publisher]++;
          heard++;
        });
        // The last word of each publisher comes after all that it said.
        let ended = 0;
        member.on("end", () => {
          if (++ended < all.length - 1) return;
          if (heard !== total) reject(new Error(`${member.label} heard ${heard} events of ${total}`));
          else resolve();
        });
      }),
    ),
  );
  const publish = async (member, p) => {
    for (let i = 0; i < count; i++) {
      const args = i % 10 === 0 ? [pattern(i, p + 1)] : [];
      if (i % 50 === 49) t.same(await t.ask(member, "publish", room, "news", p, i, ...args), ok);
      else member.emit("publish", room, "news", p, i, ...args);
    }
    t.same(await t.ask(member, "publish", room, "end", p), ok);
  };
  await Promise.all([...all.map(publish), ...complete]);
}

// What comes after the ack of leave is not heard: the marker, which every node
// delivers after it, shows that it would have arrived.
export async function leavingStopsEverywhere(t) {
  const room = `leave-${t.rest.unique}`;
  const marker = `${room}-marker`;
  const all = await members(t);
  await Promise.all(
    all.map(async (m) => {
      t.same(await t.ask(m, "join", room), ok);
      t.same(await t.ask(m, "join", marker), ok);
    }),
  );
  const publisher = await t.connect("/", { url: t.rest.urls[0], transport: "websocket" });
  const leavers = all.filter((_, i) => i % 2 === 0);
  const stayers = all.filter((_, i) => i % 2 === 1);
  const round = async (event, expected) => {
    const heard = new Set();
    for (const m of all) m.once(event, () => heard.add(m.label));
    const marks = all.map((m) => t.once(m, `${event}-marker`));
    t.same(await t.ask(publisher, "publish", room, event), ok);
    t.same(await t.ask(publisher, "publish", marker, `${event}-marker`), ok);
    await Promise.all(marks);
    t.same([...heard].sort(), expected.map((m) => m.label).sort(), event);
  };
  await round("before", all);
  await Promise.all(leavers.map(async (m) => t.same(await t.ask(m, "leave", room), ok)));
  await round("half", stayers);
  await Promise.all(stayers.map(async (m) => t.same(await t.ask(m, "leave", room), ok)));
  await round("none", []);
  await Promise.all(leavers.map(async (m) => t.same(await t.ask(m, "join", room), ok)));
  await round("again", leavers);
}

export async function oneSocketIsReachedFromAnyNode(t) {
  const all = await members(t);
  for (const url of t.rest.urls) {
    const publisher = await t.connect("/", { url, transport: "websocket" });
    for (const target of all) {
      const others = all.filter((m) => m !== target);
      for (const m of others) m.once("direct", () => t.ok(false, `${m.label} heard what was for ${target.label}`));
      const heard = t.once(target, "direct");
      t.same(await t.ask(publisher, "publish", target.id, "direct", target.label, pattern(64)), ok);
      t.same(await heard, [target.label, pattern(64)]);
      for (const m of others) m.off("direct");
    }
  }
}

// Runs against the test's own server, which offers more than the relay.
export async function exceptAndInAcrossNodes(t) {
  const room = (name) => `${name}-${t.rest.unique}`;
  const all = await members(t);
  await Promise.all(all.map((m) => t.ask(m, "join", room("all"))));
  const muted = all.filter((_, i) => i % 3 === 0);
  await Promise.all(muted.map((m) => t.ask(m, "join", room("muted"))));
  const heard = all.map(() => []);
  all.forEach((m, i) => m.on("news", (what) => heard[i].push(what)));
  const sender = all[1];
  const marks = all.map((m) => t.once(m, "marker"));
  await t.ask(sender, "to", room("all"), "news", "to");
  await t.ask(sender, "in", room("all"), "news", "in");
  await t.ask(sender, "except", room("all"), room("muted"), "news", "except");
  await t.ask(sender, "in", room("all"), "marker");
  await Promise.all(marks);
  all.forEach((m, i) => {
    const want = ["to", "in", "except"].filter(
      (what) => !(what === "to" && m === sender) && !(what === "except" && muted.includes(m)),
    );
    t.same(heard[i], want, m.label);
  });
}
