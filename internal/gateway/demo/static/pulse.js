// The round trip, measured once a second while connected and looked at.

import { format, Sparkline } from "./sparkline.js";

const PERIOD_MS = 1_000;

// Leaving a room that nobody is in is the cheapest thing to ask of the relay:
// it changes nothing and concerns no other node.
const NOBODY = "causeway-demo-nobody";

export class Pulse {
  #text;
  #spark;
  #client;
  #timer = 0;

  constructor({ rtt, spark }, client) {
    this.#text = rtt;
    this.#spark = new Sparkline(spark);
    this.#client = client;
  }

  start() {
    clearInterval(this.#timer);
    // Not at once: the first one would measure how busy the page is starting.
    this.#timer = setInterval(() => this.#beat(), PERIOD_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = 0;
    this.#text.textContent = "–";
    this.#spark.clear();
  }

  async #beat() {
    if (document.hidden) return;
    const timer = this.#timer;
    const started = performance.now();
    try {
      await this.#client().request("leave", NOBODY);
    } catch {
      return; // the connection's own state says what is wrong
    }
    if (timer !== this.#timer) return; // an answer of the connection before
    const elapsed = performance.now() - started;
    this.#text.textContent = format(elapsed);
    this.#spark.add(elapsed);
  }
}
