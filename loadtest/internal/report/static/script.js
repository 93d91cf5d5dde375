// Values under the pointer, or under the arrow keys, and the copy button. The page
// is complete without it.
"use strict";

for (const figure of document.querySelectorAll("figure")) {
  const { at, moment, series } = JSON.parse(figure.querySelector("script").textContent);
  const over = figure.querySelector(".over");
  const cursor = figure.querySelector(".cursor");
  const tip = figure.querySelector(".tip");
  if (!at || !at.length || !series) continue;
  let shown = -1;

  const hide = () => {
    shown = -1;
    tip.hidden = true;
    figure.classList.remove("pointed");
  };

  const show = (i) => {
    if (i === shown) return;
    shown = i;
    const x = at[i] / 100 + "%";
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    const title = document.createElement("b");
    title.textContent = moment[i];
    tip.replaceChildren(title, ...series.map((s) => row(s, i)));
    tip.hidden = false;
    figure.classList.add("pointed");
    const place = (at[i] / 10000) * over.clientWidth;
    const right = place + 14 + tip.offsetWidth <= over.clientWidth;
    tip.style.left = Math.max(right ? place + 14 : place - 14 - tip.offsetWidth, Math.min(0, over.clientWidth - tip.offsetWidth)) + "px";
  };

  over.addEventListener("pointermove", (e) => {
    const box = over.getBoundingClientRect();
    show(nearest(at, ((e.clientX - box.left) / box.width) * 10000));
  });
  over.addEventListener("pointerleave", hide);
  figure.addEventListener("blur", hide);
  figure.addEventListener("keydown", (e) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -at.length, End: at.length }[e.key];
    if (e.key === "Escape") hide();
    if (!step) return;
    e.preventDefault();
    show(Math.min(at.length - 1, Math.max(0, (shown < 0 ? (step < 0 ? at.length : -1) : shown) + step)));
  });
}

function row(s, i) {
  const line = document.createElement("div");
  const dot = document.createElement("i");
  const name = document.createElement("span");
  const value = document.createElement("em");
  dot.className = "s" + s.colour;
  name.textContent = s.name;
  value.textContent = s.values[i];
  line.append(dot, name, value);
  return line;
}

// nearest is the index of the place closest to x, in a rising list.
function nearest(at, x) {
  let low = 0;
  let high = at.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (at[middle] < x) low = middle;
    else high = middle;
  }
  return x - at[low] < at[high] - x ? low : high;
}

const copy = document.getElementById("copy");
const code = document.getElementById("code");
copy.hidden = false;
copy.addEventListener("click", async () => {
  let done = false;
  try {
    await navigator.clipboard.writeText(code.textContent);
    done = true;
  } catch {
    getSelection().selectAllChildren(code);
    done = document.execCommand("copy");
  }
  copy.textContent = done ? "Copied" : "Press Ctrl+C";
  setTimeout(() => (copy.textContent = "Copy"), 2000);
});
