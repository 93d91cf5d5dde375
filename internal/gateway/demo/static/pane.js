// One of the two clients on the page: its forms, its connection and its room.

import { nodeOrigin } from "./address.js";
import { Client } from "./client.js";
import { Log } from "./log.js";
import { Pulse } from "./pulse.js";
import { format } from "./sparkline.js";
import { describe, View } from "./view.js";

const REFUSALS = {
  forbidden: "the gateway’s rules do not allow it",
  invalid: "the gateway found it malformed",
  limit: "a limit of the gateway was reached",
};

// Messages of this page carry its id, as only one clock can time a delivery.
const PAGE = crypto.getRandomValues(new Uint32Array(2)).join("-");

export class Pane {
  #options;
  #view;
  #log;
  #pulse;
  #client = null;
  #previous = null; // the status before the current one
  #target = ""; // what #client was made for: a change of the form makes another
  #room = ""; // the room to be in, also after a reconnection
  #joined = false;
  #sent = 0;
  #received = 0;

  // options: title, nodes (origins), node, transport, name, room, path,
  // onChange() when the status changes and onMessage("sent" | "received").
  constructor(root, options) {
    this.#options = options;
    this.#view = new View(root, options);
    this.#log = new Log(this.#view.part.log);
    this.#pulse = new Pulse(this.#view.part, () => this.#client);
    const { form, field } = this.#view;
    on(form.connection, "submit", () => this.#toggle());
    on(form.membership, "submit", () => (this.#room === "" ? this.#join(field.room.value.trim()) : this.#leave()));
    on(form.compose, "submit", () => this.#send());
    on(this.#view.part.hurry, "click", () => this.#client?.hurry());
    on(field.node, "change", () => this.#retarget());
    on(field.transport, "change", () => this.#retarget());
    field.url.addEventListener("input", () => this.#render());
    field.url.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // it would press the button, which may say Disconnect
      this.connect();
    });
    this.#room = options.room;
    this.#render();
  }

  get status() {
    return this.#client?.status ?? null;
  }

  connect() {
    const { form, field } = this.#view;
    let origin;
    try {
      origin = nodeOrigin(field.node.value || field.url.value);
    } catch (err) {
      this.#view.complain(err.message);
      field.url.focus();
      return;
    }
    this.#client?.disconnect();
    this.#target = this.#wanted();
    this.#view.target(origin, form.connection.transport.value);
    const client = new Client(origin, {
      path: this.#options.path,
      transports: field.transport.value.split(","),
      onStatus: (status) => this.#changed(client, status),
      onEvent: (name, args) => this.#hear(name, args),
    });
    this.#client = client;
    this.#previous = client.status;
    client.connect();
  }

  #changed(client, status) {
    if (client !== this.#client) return; // the farewell of one that was replaced
    const before = this.#previous;
    this.#previous = status;
    const connected = status.phase === "connected";
    if (connected && before.phase !== "connected") this.#arrive(status);
    if (!connected && before.phase === "connected") this.#depart(status);
    this.#render();
    this.#options.onChange();
  }

  #arrive(status) {
    this.#log.note(`Connected to node ${status.id.slice(0, 4)}`);
    this.#pulse.start();
    if (this.#room !== "") this.#join(this.#room);
  }

  #depart(status) {
    this.#joined = false;
    this.#pulse.stop();
    this.#log.note(status.phase === "waiting" ? `Connection lost (${status.reason}). Reconnecting…` : "Disconnected");
  }

  // toggle is the button of the connection form. When the form names another
  // target than the current connection's, it connects to that one.
  #toggle() {
    const active = this.#client && this.#client.status.phase !== "closed";
    if (active && this.#wanted() === this.#target) this.#client.disconnect();
    else this.connect();
  }

  // retarget follows a choice at once, except for a URL still to be typed.
  #retarget() {
    const { field } = this.#view;
    this.#render();
    if (field.node.value === "" && field.url.value === "") field.url.focus();
    else if (this.#client && this.#client.status.phase !== "closed") this.connect();
  }

  #wanted() {
    const { field } = this.#view;
    return [field.node.value, field.node.value === "" ? field.url.value : "", field.transport.value].join(" ");
  }

  async #join(room) {
    if (room === "") return this.#view.field.room.focus();
    this.#room = room;
    const failure = await this.#ask("join", room);
    if (room !== this.#room) return; // left again in the meantime
    if (failure === "") {
      this.#joined = true;
      this.#log.note(`In room “${room}”`);
    } else if (this.status.phase === "connected") {
      this.#room = "";
      this.#log.note(`Could not join “${room}”: ${failure}`);
    }
    this.#render();
  }

  async #leave() {
    const room = this.#room;
    this.#room = "";
    this.#joined = false;
    this.#render();
    const failure = await this.#ask("leave", room);
    if (this.status?.phase === "connected") {
      this.#log.note(failure === "" ? `Left room “${room}”` : `Could not leave “${room}”: ${failure}`);
    }
  }

  async #send() {
    const { text, name } = this.#view.field;
    if (!this.#joined || text.value.trim() === "") return;
    const words = text.value.trim();
    text.value = "";
    const print = this.#log.message("own", "You", words, "sending…");
    const started = performance.now();
    const message = { name: name.value.trim() || this.#options.name, text: words, page: PAGE, at: started };
    this.#sent++;
    this.#options.onMessage("sent");
    this.#render();
    const failure = await this.#ask("publish", this.#room, "chat", message);
    if (failure === "") print(`accepted in ${format(performance.now() - started)}`);
    else print(`not sent: ${failure}`, true);
  }

  // ask makes a request of the relay and returns why it failed, or "".
  async #ask(event, ...args) {
    try {
      const answer = await this.#client.request(event, ...args);
      if (answer?.ok === true) return "";
      return REFUSALS[answer?.error] ?? "the gateway refused it";
    } catch (err) {
      return err.message.replace(/^./, (first) => first.toLowerCase()).replace(/\.$/, "");
    }
  }

  #hear(event, args) {
    this.#received++;
    const [message] = args;
    const now = performance.now();
    if (event === "chat" && typeof message?.text === "string") {
      const timed = message.page === PAGE && message.at <= now;
      const print = timed ? `arrived in ${format(now - message.at)}` : new Date().toLocaleTimeString();
      this.#log.message("other", String(message.name ?? "Somebody"), message.text, print);
    } else {
      this.#log.message("other", event, describe(args), new Date().toLocaleTimeString());
    }
    this.#options.onMessage("received");
    this.#render();
  }

  #render() {
    this.#view.render(this.status, {
      room: this.#room,
      joined: this.#joined,
      sent: this.#sent,
      received: this.#received,
      changed: this.#client !== null && this.#wanted() !== this.#target,
    });
    this.#log.hint(this.#hint());
  }

  #hint() {
    if (this.#joined) return `Say something: everybody else in “${this.#room}” hears it, on every node.`;
    if (this.status?.phase === "connected") return "Connected. Join a room to talk to everybody in it.";
    return "Not connected. What is said in the room will stand here.";
  }
}

function on(target, type, act) {
  target.addEventListener(type, (event) => {
    event.preventDefault();
    act();
  });
}
