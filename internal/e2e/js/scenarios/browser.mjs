import { createServer } from "node:http";
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const bundles = { 4: "socket.io-client", 3: "socket.io-client-3" };

// bundle returns the file that the client's package ships for pages.
function bundle(client) {
  const root = dirname(require.resolve(`${bundles[client]}/package.json`));
  return readFile(join(root, "dist", "socket.io.min.js"));
}

// servePage serves an empty page and the official bundle from an origin of its own.
async function servePage(client) {
  const script = await bundle(client);
  const server = createServer((request, response) => {
    if (request.url === "/client.js") return response.setHeader("content-type", "text/javascript").end(script);
    response.setHeader("content-type", "text/html").end(`<!doctype html><title>trial</title><script src="/client.js"></script>`);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, origin: `http://127.0.0.1:${server.address().port}` };
}

// launch starts the installed Chromium. The driver is loaded here, as most
// scenarios do without it and loading it takes longer than they do.
async function launch(t) {
  const { chromium } = await import("playwright-core");
  return chromium.launch({ executablePath: t.rest.chromium, args: ["--no-sandbox", "--disable-gpu"] });
}

// inPage runs in the browser.
async function inPage({ url, transports, upgrades, room }) {
  const connect = async () => {
    const socket = window.io(url, { transports, forceNew: true });
    await new Promise((resolve, reject) => socket.on("connect", resolve).on("connect_error", reject));
    return socket;
  };
  const ask = (socket, event, ...args) => new Promise((resolve) => socket.emit(event, ...args, resolve));
  const [a, b] = [await connect(), await connect()];
  if (upgrades && a.io.engine.transport.name !== "websocket") {
    await new Promise((resolve) => a.io.engine.once("upgrade", resolve));
  }
  const answers = [await ask(a, "join", room), await ask(b, "join", room)];
  const heard = new Promise((resolve) => b.on("news", (...args) => resolve(args)));
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  answers.push(await ask(a, "publish", room, "news", "漢字 🧑‍🚀", { nested: [bytes] }, bytes.buffer));
  const [text, { nested }, whole] = await heard;
  const reason = new Promise((resolve) => a.on("disconnect", resolve));
  const transport = a.io.engine.transport.name;
  a.disconnect();
  b.disconnect();
  return {
    answers,
    text,
    kinds: [nested[0].constructor.name, whole.constructor.name],
    binary: [nested[0], whole].map((part) => Array.from(new Uint8Array(part))),
    transport,
    reason: await reason,
  };
}

export async function officialClientInChromium(t) {
  const { server, origin } = await servePage(t.client);
  const browser = await launch(t);
  try {
    const page = await browser.newPage();
    const problems = [];
    page.on("pageerror", (err) => problems.push(String(err)));
    for (const [name, transports] of Object.entries({ polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] })) {
      await page.goto(origin);
      const options = { url: t.url, transports, upgrades: name === "upgrade", room: `browser-${t.client}-${name}-${t.rest.unique}` };
      const got = await t.named(`the page over ${name}`, page.evaluate(inPage, options));
      const bytes = Array.from({ length: 256 }, (_, i) => i);
      t.same(got, {
        answers: [{ ok: true }, { ok: true }, { ok: true }],
        text: "漢字 🧑‍🚀",
        kinds: ["ArrayBuffer", "ArrayBuffer"],
        binary: [bytes, bytes],
        transport: name === "polling" ? "polling" : "websocket",
        reason: "io client disconnect",
      }, name);
    }
    t.same(problems, []);
  } finally {
    await browser.close();
    server.close();
  }
}

// A page of another origin gets nowhere unless that origin is allowed.
export async function foreignOriginIsRefusedInChromium(t) {
  const { server, origin } = await servePage(t.client);
  const browser = await launch(t);
  try {
    const page = await browser.newPage();
    await page.goto(origin);
    for (const transport of ["polling", "websocket"]) {
      const outcome = await page.evaluate(
        ({ url, transport }) =>
          new Promise((resolve) => {
            const socket = window.io(url, { transports: [transport], reconnection: false, forceNew: true });
            socket.on("connect", () => resolve("connected"));
            socket.on("connect_error", () => resolve("refused"));
          }),
        { url: t.url, transport },
      );
      t.same(outcome, "refused", transport);
    }
  } finally {
    await browser.close();
    server.close();
  }
}
