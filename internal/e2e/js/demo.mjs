// The demo page in a real browser.
//
//   node demo.mjs PAGE_URL [NODE_URL] [--only REGEXP] [--screenshots DIR]
//
// PAGE_URL is where the page is; NODE_URL is the node that the second pane uses
// (default: the page's origin; another one must be the second that the page
// offers). --only keeps the promises that match. The environment variable CHROMIUM names the
// browser (default: /usr/bin/chromium). Exits with 0 when every promise holds,
// and with 1 and one line that names the first that does not.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const TRANSPORTS = { "polling,websocket": "WebSocket (upgraded)", websocket: "WebSocket", polling: "Polling" };
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const WAIT_MS = 15_000;

const { values, positionals } = parseArgs({ options: { only: { type: "string", default: "" }, screenshots: { type: "string" } }, allowPositionals: true });
const pageURL = positionals[0];
if (!pageURL) {
  console.error("usage: node demo.mjs PAGE_URL [NODE_URL] [--only REGEXP] [--screenshots DIR]");
  process.exit(2);
}
const nodeURL = positionals[1] ?? new URL(pageURL).origin;

let words = 0; // makes every text said in this run its own

const promises = [
  ["both panes connect and join by themselves", connectsByItself],
  ["the second pane starts on the second node, and both nodes are named", startsOnTwoNodes],
  ["the panes hear each other over every pair of transports", everyPairOfTransports],
  ["an upgrade is seen as it happens", showsUpgrade],
  ["an upgrade loses nothing, doubles nothing and keeps the order", upgradesInOrder],
  ["who left a room hears nothing of it", leavesRoom],
  ["what others send is shown as text", escapes],
  ["a round trip is measured and drawn", measures],
  ["a node that cannot be reached is named", namesUnreachableNode],
  ["a server that is no node, or a busy one, is told apart", tellsServersApart],
  ["a text that is no URL is explained", explainsBadURL],
  ["a node that went away is reconnected to, and the room with it", reconnects],
  ["a wait for the next try can be cut short", hurries],
  ["everything can be done with the keyboard", worksByKeyboard],
  ["nothing is wider than a screen of 360 pixels", fitsNarrowScreens],
  ["the snippet can be copied", copiesSnippet],
];

async function main() {
  const profile = await mkdtemp(path.join(tmpdir(), "demo-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: FLAGS,
    viewport: { width: 1280, height: 800 },
    permissions: ["clipboard-read", "clipboard-write"],
  });
  context.setDefaultTimeout(WAIT_MS);
  try {
    return await run(context);
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  }
}

async function run(context) {
  const chosen = promises.filter(([name]) => new RegExp(values.only).test(name));
  assert.ok(chosen.length > 0, `no promise matches ${values.only}`);
  for (const [name, check] of chosen) {
    const page = await context.newPage();
    const faults = watch(page);
    try {
      await page.goto(pageURL);
      await check(page, faults);
      await staysHome(page, faults);
      assert.deepEqual(faults.list, [], "the page reported faults");
      console.log(`ok    ${name}`);
    } catch (err) {
      console.error(`FAIL  ${name}: ${err.message}`);
      if (values.screenshots) await page.screenshot({ path: path.join(values.screenshots, "failure.png"), fullPage: true });
      return 1;
    } finally {
      await page.close();
    }
  }
  if (values.screenshots) await screenshots(context, values.screenshots);
  return 0;
}

// watch collects what a healthy page never does. A check that breaks a
// connection on purpose sets offline: the browser reports those by itself.
function watch(page) {
  const faults = { list: [], requested: new Set(), offline: false };
  page.on("pageerror", (err) => faults.list.push(err.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !(faults.offline && /net::ERR|WebSocket connection|Failed to load resource/.test(message.text()))) {
      faults.list.push(message.text());
    }
  });
  page.on("request", (request) => faults.requested.add(new URL(request.url()).origin));
  return faults;
}

// staysHome asserts that the page asked nobody but itself and the nodes offered.
async function staysHome(page, faults) {
  const offered = await pane(page, "a").locator("[name=node] option").evaluateAll((options) => options.map((option) => option.value));
  const known = new Set([new URL(pageURL).origin, new URL(nodeURL).origin, ...offered]);
  for (const origin of faults.requested) assert.ok(faults.offline || known.has(origin), `the page asks ${origin}`);
}

// Checks.

async function connectsByItself(page) {
  for (const side of ["a", "b"]) {
    await joined(page, side);
    const id = await text(page, side, "id");
    assert.match(id, /^[\w-]{20}$/, "socket id");
    assert.equal(await text(page, side, "tag"), id.slice(0, 4), "the node's tag");
  }
  assert.equal(await text(page, "a", "count"), "0 sent, 0 received");
  await page.getByText("Two Socket.IO clients on one page").waitFor();
}

async function startsOnTwoNodes(page) {
  await joined(page, "a");
  await joined(page, "b");
  const origins = { a: new URL(pageURL).origin, b: nodeURL };
  for (const [side, origin] of Object.entries(origins)) {
    assert.equal(await pane(page, side).locator("[name=node]").inputValue(), origin);
    assert.equal(await text(page, side, "host"), origin.replace(/^http:\/\//, ""));
  }
  const [a, b] = [await text(page, "a", "tag"), await text(page, "b", "tag")];
  if (origins.a === origins.b) assert.equal(a, b);
  else await page.getByText(`served by different nodes: A by ${a}, B by ${b}.`).waitFor();
  for (const side of ["a", "b"]) await heard(page, side, await say(page, side));
}

async function everyPairOfTransports(page) {
  await use(page, "b", { node: nodeURL });
  for (const a of Object.keys(TRANSPORTS)) {
    await use(page, "a", { transport: a });
    for (const b of Object.keys(TRANSPORTS)) {
      await use(page, "b", { transport: b });
      for (const [side, transport] of [["a", a], ["b", b]]) {
        await joined(page, side);
        await shows(page, side, "transport", TRANSPORTS[transport]);
      }
      for (const side of ["a", "b"]) await heard(page, side, await say(page, side));
    }
  }
  const sent = Object.keys(TRANSPORTS).length ** 2;
  assert.equal(await text(page, "a", "count"), `${sent} sent, ${sent} received`, "each message arrives exactly once");
}

async function showsUpgrade(page) {
  await joined(page, "a");
  await use(page, "a", { transport: "polling" });
  await shows(page, "a", "transport", "Polling");
  await part(page, "a", "transport").evaluate((element) => {
    window.seen = [];
    new MutationObserver(() => window.seen.push(element.textContent)).observe(element, { childList: true, characterData: true, subtree: true });
  });
  await use(page, "a", { transport: "polling,websocket" });
  await shows(page, "a", "transport", TRANSPORTS["polling,websocket"]);
  const seen = (await page.evaluate(() => window.seen)).join(" | ");
  assert.match(seen, /Polling → WebSocket….*WebSocket \(upgraded\)$/, `the steps of the upgrade were ${seen}`);
}

// Both clients send all through their upgrades, as fast as they are answered.
async function upgradesInOrder(page) {
  const base = nodeURL;
  for (let round = 0; round < 5; round++) {
    const faults = await page.evaluate(async ([base, room]) => {
      const { Client } = await import("/demo/client.js");
      const count = 200;
      const heard = [[], []];
      const clients = [0, 1].map((i) => new Client(base, {
        path: document.body.dataset.path,
        transports: ["polling", "websocket"],
        onStatus: () => {},
        onEvent: (name, [n]) => heard[i].push(n),
      }));
      const until = async (what, met) => {
        for (const end = performance.now() + 10_000; !met();) {
          if (performance.now() > end) throw new Error(`${what}: not within 10 s`);
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      };
      for (const client of clients) client.connect();
      await until("connected", () => clients.every((client) => client.status.phase === "connected"));
      await Promise.all(clients.map((client) => client.request("join", room)));
      await Promise.all(clients.map(async (client) => {
        for (let n = 0; n < count; n++) {
          const sent = client.request("publish", room, "n", n);
          if (n % 10 === 9) await sent;
        }
      }));
      await until("upgraded", () => clients.every((client) => client.status.transport === "websocket"));
      await until("heard", () => heard.every((list) => list.length >= count));
      for (const client of clients) client.disconnect();
      return heard.flatMap((list) => list.map((n, i) => (n === i ? "" : `${n} at place ${i}`)).filter(Boolean));
    }, [base, unique()]);
    assert.deepEqual(faults, []);
  }
}

async function leavesRoom(page) {
  await joined(page, "a");
  await joined(page, "b");
  await pane(page, "b").getByRole("button", { name: "Leave" }).click();
  await note(page, "b", "Left room “lobby”");
  await say(page, "a");
  await pane(page, "b").getByRole("button", { name: "Join" }).click();
  await joined(page, "b");
  await heard(page, "a", await say(page, "a"));
  assert.equal(await text(page, "b", "count"), "0 sent, 1 received");
}

async function escapes(page) {
  await joined(page, "a");
  await joined(page, "b");
  const markup = `<img src=x onerror="document.title='broken'"><b>${unique()}</b>`;
  await pane(page, "a").locator("[name=name]").fill("<i>Ada</i>");
  await heard(page, "a", await say(page, "a", markup));
  assert.equal(await pane(page, "b").locator(".log :is(img, b, i)").count(), 0, "no element comes from a message");
}

async function measures(page) {
  await joined(page, "a");
  await shows(page, "a", "rtt", /^\d+(\.\d)? ms$/);
  await part(page, "a", "spark").locator(".line[d*=L]").waitFor({ state: "attached" });
  assert.match(await part(page, "a", "spark").getAttribute("aria-label"), /round trips took .* to /);
}

async function namesUnreachableNode(page, faults) {
  faults.offline = true;
  const nobody = `http://127.0.0.1:${await freePort()}`;
  for (const transport of ["polling", "websocket"]) {
    await use(page, "a", { node: nobody, transport });
    await pane(page, "a").getByRole("alert").filter({ hasText: nobody }).waitFor();
    await shows(page, "a", "state", /^Reconnecting/);
  }
  await pane(page, "a").getByRole("button", { name: "Cancel" }).click();
  await shows(page, "a", "state", "Not connected");
  await use(page, "a", { node: nodeURL });
  await joined(page, "a");
  assert.equal(await part(page, "a", "problem").isVisible(), false, "the error goes away");
}

async function tellsServersApart(page, faults) {
  faults.offline = true;
  let answer;
  const server = http.createServer((request, response) => {
    response.writeHead(answer.status, { "Access-Control-Allow-Origin": "*", "Content-Type": "text/plain" });
    response.end(answer.body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  try {
    for (const [status, body, told] of [
      [404, "nothing here", "not a Socket.IO node"],
      [503, "", "no new connections"],
      [403, '{"code":4,"message":"Forbidden"}', "refused the request: Forbidden (403)"],
      [200, "<!doctype html>", "not Socket.IO"],
      [200, "", "not Socket.IO"],
    ]) {
      answer = { status, body };
      await use(page, "a", { node: url, transport: "polling" });
      await pane(page, "a").getByRole("alert").filter({ hasText: told }).waitFor();
      await pane(page, "a").getByRole("button", { name: "Cancel" }).click();
    }
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function explainsBadURL(page) {
  await joined(page, "a");
  for (const [typed, told] of [["http://", "is not a URL"], ["ftp://host", "begins with http"], ["http://me:pw@host", "Leave them out"]]) {
    await use(page, "a", { node: typed });
    await pane(page, "a").getByRole("alert").filter({ hasText: told }).waitFor();
  }
  await shows(page, "a", "state", "Connected"); // what works is not given up for a typing error
}

async function reconnects(page, faults) {
  faults.offline = true;
  const door = new Door(new URL(nodeURL));
  try {
    await door.open();
    for (const transport of Object.keys(TRANSPORTS)) {
      await joined(page, "b");
      await use(page, "a", { node: door.url, transport });
      await shows(page, "a", "transport", TRANSPORTS[transport]);
      await joined(page, "a");
      const before = await text(page, "a", "id");
      await door.shut();
      await shows(page, "a", "state", /^Reconnecting/);
      await pane(page, "a").getByRole("alert").filter({ hasText: door.url }).waitFor();
      assert.equal(await pane(page, "a").locator("[name=text]").isDisabled(), true, "nothing can be said meanwhile");
      await door.open();
      await joined(page, "a");
      assert.notEqual(await text(page, "a", "id"), before, "a new connection has a new id");
      for (const side of ["a", "b"]) await heard(page, side, await say(page, side));
    }
  } finally {
    await door.shut();
  }
}

async function hurries(page, faults) {
  faults.offline = true;
  const door = new Door(new URL(nodeURL));
  try {
    await door.open();
    await use(page, "a", { node: door.url });
    await joined(page, "a");
    await door.shut();
    await shows(page, "a", "countdown", /^ in [4-9] s$/);
    await door.open();
    await pane(page, "a").getByRole("button", { name: "Try now" }).click();
    await pane(page, "a").and(page.locator("[data-phase=connected]")).waitFor({ timeout: 2500 });
  } finally {
    await door.shut();
  }
}

async function worksByKeyboard(page) {
  await joined(page, "a");
  await joined(page, "b");
  await part(page, "a", "log").focus();
  await page.keyboard.press("Tab");
  const said = unique();
  await page.keyboard.type(said);
  await page.keyboard.press("Enter");
  await heard(page, "a", said);
  const reached = new Set();
  await page.locator("body").evaluate(() => document.activeElement.blur());
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement.name || document.activeElement.id));
  }
  for (const name of ["node", "transport", "connect", "room", "name", "join", "text", "send", "copy"]) {
    assert.ok(reached.has(name), `Tab reaches ${name}`);
  }
}

async function fitsNarrowScreens(page, faults) {
  faults.offline = true;
  for (const width of [360, 390, 600, 861, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    await use(page, "a", { node: "http://a-very-long-host-name-that-nobody-has.invalid:65535" });
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(excess <= 0, `${excess} px too wide at ${width} px`);
  }
}

async function copiesSnippet(page) {
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByText(/^(Copied|Selected)/).waitFor();
  const lines = (await page.locator("#code").textContent()).trim().split("\n");
  assert.equal(lines.length, 5, "lines of the snippet");
  assert.match(lines[1], /io\("http:\/\/[^"]+"\)/);
}

// What a person does and sees.

function pane(page, side) {
  return page.locator(`.pane[data-side=${side}]`);
}

function part(page, side, name) {
  return pane(page, side).locator(`[data-is=${name}]`);
}

async function text(page, side, name) {
  return (await part(page, side, name).textContent()).trim();
}

async function shows(page, side, name, expected) {
  const wanted = expected instanceof RegExp ? expected : new RegExp(`^${escapeRegExp(expected)}$`);
  await part(page, side, name).filter({ hasText: wanted }).waitFor({ state: "attached" });
}

function escapeRegExp(literal) {
  return literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

async function joined(page, side) {
  await pane(page, side).and(page.locator("[data-phase=connected]")).waitFor();
  await pane(page, side).locator("[name=text]:enabled").waitFor();
}

async function note(page, side, words) {
  await pane(page, side).locator(".note", { hasText: words }).last().waitFor();
}

// use makes a pane connect with a choice of node and transport.
async function use(page, side, { node, transport }) {
  const root = pane(page, side);
  if (transport) await root.locator("[name=transport]").selectOption(transport);
  if (!node) return;
  await root.locator("[name=node]").selectOption("");
  await root.locator("[name=url]").fill(node);
  await root.locator("[name=url]").press("Enter");
}

function unique() {
  return `words ${++words} of ${process.pid}`;
}

async function say(page, side, what = unique()) {
  await pane(page, side).locator("[name=text]").fill(what);
  await pane(page, side).getByRole("button", { name: "Send" }).click();
  await pane(page, side).locator(".message.own", { hasText: what }).filter({ hasText: "accepted in" }).waitFor();
  return what;
}

// heard waits until the other pane has what this side said, once.
async function heard(page, side, what) {
  const lines = pane(page, side === "a" ? "b" : "a").locator(".message.other").filter({ has: page.getByText(what, { exact: true }) });
  await lines.first().waitFor();
  assert.equal(await lines.count(), 1, `“${what}” arrived once`);
}

// Door is a way to a node that can be shut: to a client, the node went away.
class Door {
  #server;
  #sockets = new Set();
  #target;
  url = "";

  constructor(target) {
    this.#target = { host: target.hostname, port: Number(target.port || 80) };
  }

  async open() {
    this.#server = net.createServer((inner) => {
      const outer = net.connect(this.#target);
      for (const [one, other] of [[inner, outer], [outer, inner]]) {
        this.#sockets.add(one);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          this.#sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    const port = this.url ? Number(new URL(this.url).port) : 0;
    await new Promise((resolve, reject) => this.#server.once("error", reject).listen(port, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
  }

  async shut() {
    if (!this.#server?.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// Pictures, for people to look at.

async function screenshots(context, directory) {
  await mkdir(directory, { recursive: true });
  for (const colorScheme of ["light", "dark"]) {
    for (const [width, height] of [[1280, 800], [390, 844]]) {
      const page = await context.newPage();
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height });
      const name = (what) => path.join(directory, `${what}-${width}-${colorScheme}.png`);
      await page.goto(pageURL);
      await picture(page, name);
      await page.close();
    }
  }
}

async function picture(page, name) {
  await joined(page, "a");
  await joined(page, "b");
  await page.screenshot({ path: name("empty"), fullPage: true });
  await say(page, "a", "Good morning! Can you hear me?");
  await say(page, "b", "Loud and clear, the moment you said it.");
  await say(page, "a", "That is the idea.");
  // The picture is to have a curve in it.
  await page.waitForFunction(() => [...document.querySelectorAll(".line")].every((line) => (line.getAttribute("d") ?? "").split("L").length > 6));
  await page.screenshot({ path: name("chat"), fullPage: true });
  await use(page, "b", { node: `http://127.0.0.1:${await freePort()}` });
  await pane(page, "b").getByRole("button", { name: "Try now" }).waitFor();
  await page.screenshot({ path: name("error"), fullPage: true });
}

process.exitCode = await main().catch((err) => {
  console.error(`FAIL  ${err.message}`);
  return 1;
});
