// The page: two panes, the line that says what they show, and the snippet.

import { nodeOrigin } from "./address.js";
import { Pane } from "./pane.js";

const ROOM = "lobby";
const FLASH_MS = 600;

const { nodes, path } = configuration();
const panes = {
  a: pane("a", { title: "Client A", name: "Ada", node: nodes[0], transport: "polling,websocket" }),
  b: pane("b", { title: "Client B", name: "Grace", node: nodes[1] ?? nodes[0], transport: "websocket" }),
};
snippet();
panes.a.connect();
panes.b.connect();

// configuration reads what the gateway wrote into the page.
function configuration() {
  const { nodes, path } = document.body.dataset;
  const origins = JSON.parse(nodes).map(nodeOrigin);
  return { nodes: [...new Set(origins.length > 0 ? origins : [location.origin])], path };
}

function pane(side, options) {
  const root = document.getElementById("pane").content.firstElementChild.cloneNode(true);
  root.dataset.side = side;
  document.getElementById("panes").append(root);
  return new Pane(root, {
    ...options, nodes, path, room: ROOM,
    onChange: tell,
    onMessage: (direction) => flash(side, direction),
  });
}

// tell draws the route and puts it into words.
function tell() {
  const a = panes.a.status;
  const b = panes.b.status;
  const route = document.getElementById("route");
  const same = tag(a) !== "" && tag(a) === tag(b);
  route.classList.toggle("same", same);
  for (const [side, status] of [["a", a], ["b", b]]) {
    const up = status?.phase === "connected";
    for (const element of route.querySelectorAll(`[data-side="${side}"]`)) element.classList.toggle("up", up);
    route.querySelector(`.leg[data-side="${side}"] span`).textContent = up ? { polling: "polling", websocket: "WebSocket" }[status.transport] : "";
    route.querySelector(`.node[data-side="${side}"]`).textContent = up ? tag(status) : "node";
  }
  route.querySelector(".bus").classList.toggle("up", tag(a) !== "" && tag(b) !== "" && !same);
  const story = document.getElementById("story");
  const words = explain(tag(a), tag(b));
  if (story.textContent !== words) story.textContent = words;
}

function tag(status) {
  return status?.phase === "connected" ? status.id.slice(0, 4) : "";
}

function explain(a, b) {
  if (a === "" && b === "") return "Two Socket.IO clients on one page. Neither has a connection at the moment.";
  if (a === "" || b === "") return `Two Socket.IO clients on one page. Only ${a === "" ? "B" : "A"} has a connection at the moment.`;
  if (a === b) return `Two Socket.IO clients on one page, both served by node ${a}. What one says in a room, the gateway relays to the other.`;
  return `Two Socket.IO clients on one page, served by different nodes: A by ${a}, B by ${b}. What one says in a room crosses from node to node.`;
}

// flash lights the legs of the route that a message takes.
function flash(side, direction) {
  const route = document.getElementById("route");
  const legs = direction === "sent" ? [`[data-side="${side}"]`, ".bus"] : [`[data-side="${side}"]`];
  for (const leg of route.querySelectorAll(legs.map((which) => `.leg${which}`).join())) {
    leg.classList.add("busy");
    setTimeout(() => leg.classList.remove("busy"), FLASH_MS);
  }
}

function snippet() {
  const code = document.getElementById("code");
  code.textContent = code.textContent.replace("http://localhost:3000", nodes[0]);
  const copied = document.getElementById("copied");
  document.getElementById("copy").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      copied.textContent = "Copied.";
    } catch {
      // Only pages from localhost or over HTTPS may write to the clipboard.
      getSelection().selectAllChildren(code);
      copied.textContent = "Selected: copy it with your keyboard.";
    }
  });
}
