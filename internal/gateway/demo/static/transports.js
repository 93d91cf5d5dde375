// The two ways an Engine.IO session travels: HTTP long-polling and WebSocket.
//
// A transport moves packets and knows neither heartbeats nor namespaces. Both
// kinds are used alike: write(packets) resolves when the next may be written
// and never rejects; close(farewell) sends these last packets, or nothing when
// it is null, and calls no hook any more. Hooks: packet(text | ArrayBuffer), and
// gone(reason, problem), once, when the transport ends by itself.

const SEPARATOR = "\x1e";
const FAREWELL_TIMEOUT_MS = 2_000;

export class Polling {
  name = "polling";
  backlog = 0;
  closed = false;
  #url;
  #hooks;
  #abort = new AbortController();
  #paused = false;
  #running = false; // the loop of GETs
  #stopped; // resolves when that loop has ended
  #posted = Promise.resolve();

  constructor(url, hooks) {
    this.#url = url;
    this.#hooks = hooks;
    this.#stopped = this.#poll();
  }

  set sid(sid) {
    this.#url.searchParams.set("sid", sid);
  }

  // pause resolves when the pending GET has been answered; no other follows.
  pause() {
    this.#paused = true;
    return this.#stopped;
  }

  resume() {
    this.#paused = false;
    if (!this.#running && !this.closed) this.#stopped = this.#poll();
  }

  // write makes one POST. Two at a time would be an error of the protocol: the
  // session waits for one before it writes the next.
  write(packets) {
    this.#posted = this.#request("POST", packets.join(SEPARATOR));
    return this.#posted;
  }

  async close(farewell) {
    if (this.closed) return;
    this.closed = true;
    if (farewell) {
      const limit = setTimeout(() => this.#abort.abort(), FAREWELL_TIMEOUT_MS);
      await this.#posted;
      await this.write([...farewell, "1"]);
      clearTimeout(limit);
    }
    this.#abort.abort();
  }

  async #poll() {
    this.#running = true;
    while (!this.#paused && !this.closed) {
      const body = await this.#request("GET");
      if (body === null) break;
      for (const packet of body.split(SEPARATOR)) {
        if (!this.closed) this.#hooks.packet(packet);
      }
    }
    this.#running = false;
  }

  // request returns the body of the answer, or null when the transport is over.
  async #request(method, body) {
    try {
      const answer = await fetch(this.#url, { method, body, cache: "no-store", signal: this.#abort.signal });
      const text = await answer.text();
      if (answer.ok) return text;
      this.#fail(explain(this.#url, answer.status, text));
    } catch {
      this.#fail(unreachable(this.#url.origin, "connection"));
    }
    return null;
  }

  #fail(problem) {
    if (this.closed) return;
    this.closed = true;
    this.#abort.abort();
    this.#hooks.gone("transport error", problem);
  }
}

export class Socket {
  name = "websocket";
  closed = false;
  sid = ""; // only later requests would need it: there are none
  #origin;
  #hooks;
  #socket = null;
  #opened = false;

  // One hook more than Polling's: opened(), when packets can be written.
  constructor(url, hooks) {
    this.#origin = url.origin;
    this.#hooks = hooks;
    try {
      this.#connect(url);
    } catch {
      // The browser forbids it, as from an https page to an http node.
      queueMicrotask(() => this.#fail());
    }
  }

  #connect(url) {
    const address = new URL(url);
    address.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.#socket = new WebSocket(address);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => {
      this.#opened = true;
      if (!this.closed) this.#hooks.opened?.();
    };
    this.#socket.onmessage = ({ data }) => {
      if (!this.closed) this.#hooks.packet(data);
    };
    this.#socket.onclose = ({ code }) => this.#fail(code);
  }

  get backlog() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  async write(packets) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return; // onclose follows
    for (const packet of packets) this.#socket.send(packet);
  }

  close(farewell) {
    if (this.closed) return;
    this.closed = true;
    if (farewell) this.write(farewell);
    this.#socket?.close();
  }

  #fail(code) {
    if (this.closed) return;
    this.closed = true;
    if (this.#opened) this.#hooks.gone("transport close", `${this.#origin} closed the WebSocket (code ${code}).`);
    else this.#hooks.gone("transport error", unreachable(this.#origin, "WebSocket connection"));
  }
}

// A browser tells a page nothing about why a request failed: not whether the
// port was closed, the name unknown or the origin refused.
function unreachable(origin, what) {
  return `No ${what} to ${origin}. Is a node running there, and does it allow this page’s origin?`;
}

// explain puts an answer other than 200 into words (protocol 1.5).
function explain(url, status, body) {
  const { code, message } = errorBody(body);
  if (status === 503) return `${url.origin} takes no new connections at the moment (503).`;
  if (code === 1) return `${url.origin} no longer knows this session; it was probably restarted.`;
  if (message) return `${url.origin} refused the request: ${message} (${status}).`;
  if (status === 404) return `${url.origin} is a web server, but not a Socket.IO node: nothing at ${url.pathname} (404).`;
  return `${url.origin} answered with HTTP status ${status}.`;
}

function errorBody(body) {
  try {
    const { code, message } = JSON.parse(body);
    return { code, message: typeof message === "string" ? message.slice(0, 200) : "" };
  } catch {
    return {};
  }
}
