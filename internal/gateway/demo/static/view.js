// What one pane shows: a function of the client's status and the room's state.

const TRANSPORTS = { polling: "Polling", websocket: "WebSocket" };

const STATES = {
  closed: "Not connected",
  connecting: "Connecting…",
  connected: "Connected",
  waiting: "Reconnecting",
};

export class View {
  part = {}; // elements by data-is
  form = {}; // the forms among them
  field = {}; // form controls by name
  #root;
  #host = "";
  #upgrades = false; // whether the current connection starts with polling
  #countdown = 0;

  constructor(root, { title, nodes, node, transport, name, room }) {
    this.#root = root;
    for (const element of root.querySelectorAll("[data-is]")) this.part[element.dataset.is] = element;
    this.form = { connection: this.part.connection, membership: this.part.membership, compose: this.part.compose };
    for (const form of Object.values(this.form)) {
      for (const control of form.elements) this.field[control.name] = control;
    }
    this.#name(title);
    this.#offer(nodes, node);
    this.field.transport.value = transport;
    this.field.name.value = name;
    this.field.room.value = room;
  }

  // target tells which connection the coming statuses are about.
  target(origin, transports) {
    this.#host = short(origin);
    this.#upgrades = transports.startsWith("polling,");
    this.field.url.removeAttribute("aria-invalid");
    this.#problem("", false);
  }

  // complain shows an error that kept a connection from being tried.
  complain(text) {
    this.field.url.setAttribute("aria-invalid", "true");
    this.#problem(text, false);
  }

  // render shows a status, or a pane that never connected when it is null.
  render(status, { room, joined, sent, received, changed }) {
    const phase = status?.phase ?? "closed";
    this.#root.dataset.phase = phase;
    this.#root.dataset.transport = status?.transport ?? "";
    set(this.part.state, phase === "connecting" && status.attempt > 0 ? "Reconnecting…" : STATES[phase]);
    this.#count(status);
    if (status && !this.field.url.hasAttribute("aria-invalid")) {
      this.#problem(status.problem, phase === "waiting" || phase === "connecting");
    }
    this.part.other.hidden = this.field.node.value !== "";
    set(this.field.connect, changed || phase === "closed" ? "Connect" : phase === "connected" ? "Disconnect" : "Cancel");
    this.#facts(status, phase === "connected");
    set(this.part.count, `${sent} sent, ${received} received`);
    this.#membership(phase === "connected", room, joined);
  }

  #facts(status, connected) {
    set(this.part.transport, this.#transport(status));
    set(this.part.tag, connected ? status.id.slice(0, 4) : "–");
    set(this.part.host, connected ? this.#host : "");
    set(this.part.id, connected ? status.id : "–");
  }

  #transport(status) {
    if (!status?.transport) return "–";
    const name = TRANSPORTS[status.transport];
    if (status.upgrading) return `${name} → WebSocket…`;
    return status.transport === "websocket" && this.#upgrades ? `${name} (upgraded)` : name;
  }

  #membership(connected, room, joined) {
    const { field } = this;
    set(field.join, room === "" ? "Join" : "Leave");
    field.join.disabled = !connected;
    field.room.readOnly = room !== "";
    field.text.disabled = field.send.disabled = !joined;
    field.text.placeholder = joined ? `Message to “${room}”` : connected ? "Join a room first" : "Connect first";
  }

  #problem(text, retrying) {
    set(this.part["problem-text"], text);
    this.part.problem.hidden = text === "";
    this.part.hurry.hidden = !retrying;
  }

  // The seconds until the next try are for the eye only: read out, they would
  // drown everything else.
  #count(status) {
    clearTimeout(this.#countdown);
    const left = status?.phase === "waiting" ? status.retryAt - performance.now() : 0;
    set(this.part.countdown, left > 0 ? ` in ${Math.ceil(left / 1000)} s` : "");
    if (left > 0) this.#countdown = setTimeout(() => this.#count(status), left % 1000 || 1000);
  }

  #name(title) {
    const heading = this.#root.querySelector("h2");
    heading.textContent = title;
    heading.id = `title-${title.toLowerCase().replace(/\W+/g, "-")}`;
    this.#root.setAttribute("aria-labelledby", heading.id);
    this.part.log.setAttribute("aria-label", `${title}: messages`);
  }

  #offer(nodes, chosen) {
    for (const origin of nodes) this.field.node.append(new Option(short(origin), origin));
    this.field.node.append(new Option("Another URL…", ""));
    this.field.node.value = chosen;
  }
}

function short(origin) {
  return origin.replace(/^http:\/\//, "");
}

// describe writes the arguments of an event that is none of ours.
export function describe(args) {
  return JSON.stringify(args, (_, value) => (value instanceof ArrayBuffer ? `<${value.byteLength} bytes>` : value)).slice(1, -1);
}

// set leaves an element alone that has the text already, so that a live region
// is read out only when it changes.
function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
