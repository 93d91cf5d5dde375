// A small picture of the latest round trips, drawn into an <svg> that is there.

const POINTS = 40;
const FLOOR_MS = 4; // below this a difference is noise, and not worth a peak

export class Sparkline {
  #svg;
  #values = [];

  constructor(svg) {
    this.#svg = svg;
  }

  clear() {
    this.#values = [];
    this.#draw("", "");
    this.#svg.setAttribute("aria-label", "No round trips measured yet");
  }

  add(milliseconds) {
    this.#values.push(milliseconds);
    if (this.#values.length > POINTS) this.#values.shift();
    const { width, height } = this.#svg.viewBox.baseVal;
    const top = Math.max(FLOOR_MS, ...this.#values);
    const step = width / (POINTS - 1);
    const last = (this.#values.length - 1) * step;
    const line = this.#values.map((value, i) => {
      const y = height - 2 - (value / top) * (height - 4);
      return `${i === 0 ? "M" : "L"}${(i * step).toFixed(1)} ${y.toFixed(1)}`;
    }).join("");
    this.#draw(line, `${line}L${last.toFixed(1)} ${height}L0 ${height}Z`);
    this.#svg.setAttribute("aria-label",
      `The last ${this.#values.length} round trips took ${format(Math.min(...this.#values))} to ${format(Math.max(...this.#values))}`);
  }

  #draw(line, area) {
    this.#svg.querySelector(".line").setAttribute("d", line);
    this.#svg.querySelector(".area").setAttribute("d", area);
  }
}

// format writes a duration with as many digits as are worth reading.
export function format(milliseconds) {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
}
