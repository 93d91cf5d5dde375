// Members of rooms, publishers that talk to them, and an account of what each member has
// heard of what was acknowledged. It takes io from whoever uses it, as two programs do.

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const now = () => performance.now();

// inTurn makes a client that has lost its connection try the next node, as a balancer
// would have it do.
function inTurn(socket, urls, first) {
  let i = first;
  socket.io.on("reconnect_attempt", () => {
    socket.io.uri = urls[++i % urls.length];
  });
  return socket;
}

function open(io, urls, i, options) {
  const socket = io(urls[i % urls.length], { forceNew: true, timeout: 3000, ...options });
  return inTurn(socket, urls, i);
}

function member(io, urls, i, transport, room) {
  const socket = open(io, urls, i, { transports: [transport] });
  const m = { socket, room, from: Infinity, heard: new Map(), last: new Map(), losses: [], recovered: 0, fresh: [], twice: 0, reordered: 0, offset: [0, 0], fallen: 0, away: [] };
  const join = () =>
    socket.emit("join", room, (answer) => {
      if (answer.ok) m.from = Math.min(m.from, now());
    });
  socket.on("connect", () => {
    if (m.losses.length) m.away.push(now() - m.losses.at(-1));
    if (socket.recovered) m.recovered++;
    else {
      if (m.losses.length) m.fresh.push(now());
      join();
    }
  });
  socket.on("disconnect", () => m.losses.push(now()));
  socket.on("news", (publisher, number, ...rest) => {
    if (m.heard.has(number)) m.twice++;
    else if (number < (m.last.get(publisher) ?? -1)) m.reordered++;
    m.last.set(publisher, number);
    m.heard.set(number, now());
    const offset = /^(\d+)-(\d+)$/.exec(rest.at(-1));
    if (!offset) return;
    const [time, seq] = [Number(offset[1]), Number(offset[2])];
    if (time < m.offset[0] || (time === m.offset[0] && seq <= m.offset[1])) m.fallen++;
    m.offset = [time, seq];
  });
  return m;
}

// Fleet is members in rooms, half of them polling, and publishers.
export class Fleet {
  #sent = [];
  #talk;

  constructor(io, { urls, members = 60, publishers = 3, rooms = 6, transports = ["websocket", "polling"] }) {
    this.rooms = rooms;
    // Every node has members of every room by every transport.
    this.members = Array.from({ length: members }, (_, i) => {
      const kind = Math.floor(i / urls.length);
      return member(io, urls, i, transports[kind % transports.length], `room-${Math.floor(kind / transports.length) % rooms}`);
    });
    this.publishers = Array.from({ length: publishers }, (_, i) => open(io, urls, i, { transports: ["websocket"] }));
  }

  async until(condition, seconds) {
    for (const end = now() + seconds * 1000; now() < end; await pause(20)) {
      if (condition()) return true;
    }
    return condition();
  }

  // ready waits until everybody is there.
  ready(seconds = 20) {
    return this.until(() => this.members.every((m) => m.from !== Infinity && m.socket.connected) && this.publishers.every((p) => p.connected), seconds);
  }

  // talk publishes a message every so many ms. What a publisher that is connected sends
  // waits for its answer; one that is not sends nothing.
  talk(every) {
    let turn = 0;
    this.#talk = setInterval(() => {
      const p = turn++ % this.publishers.length;
      if (!this.publishers[p].connected) return;
      const number = this.#sent.length;
      const message = { number, room: `room-${Math.floor(turn / this.publishers.length) % this.rooms}`, at: now() };
      this.#sent.push(message);
      this.publishers[p].emit("publish", message.room, "news", p, number, (answer) => {
        if (answer.ok) message.ok = now();
      });
    }, every);
  }

  // finish waits until all are back and have heard what they should, or nothing more comes.
  // Before, everybody has some seconds to notice that something has happened.
  async finish(seconds = 15) {
    await pause(3000);
    const back = await this.until(() => this.members.every((m) => m.socket.connected), seconds);
    clearInterval(this.#talk);
    await pause(300);
    for (let before = -1, quiet = 0; quiet < 15; ) {
      const heard = this.members.reduce((n, m) => n + m.heard.size, 0);
      quiet = heard === before ? quiet + 1 : 0;
      before = heard;
      await pause(100);
      if (quiet > 2 && this.account().missed === 0) break;
    }
    return { back, ...this.account() };
  }

  // account says what became of each message that was acknowledged, at each member that was
  // in its room by then. What a member that had to start afresh did not hear is announced.
  account() {
    const sum = (of) => this.members.reduce((n, m) => n + of(m), 0);
    const away = this.members.flatMap((m) => m.away).sort((a, b) => a - b);
    const lost = this.members.filter((m) => m.losses.length);
    const a = {
      members: this.members.length,
      sent: this.#sent.length,
      acknowledged: this.#sent.filter((s) => s.ok).length,
      lost: lost.length,
      recovered: lost.filter((m) => m.fresh.length === 0).length,
      fresh: sum((m) => m.fresh.length),
      recoveries: sum((m) => m.recovered),
      expected: 0,
      missed: 0,
      silent: 0,
      twice: sum((m) => m.twice),
      reordered: sum((m) => m.reordered),
      fallen: sum((m) => m.fallen),
      away: Math.round(away[Math.floor(away.length / 2)] ?? 0),
      longest: Math.round(away.at(-1) ?? 0),
    };
    for (const m of this.members) {
      for (const s of this.#sent) {
        if (!s.ok || s.room !== m.room || s.at < m.from) continue;
        a.expected++;
        if (m.heard.has(s.number)) continue;
        a.missed++;
        if (!m.fresh.some((at) => at > s.at)) a.silent++;
      }
    }
    return a;
  }

  close() {
    clearInterval(this.#talk);
    for (const { socket } of this.members) socket.disconnect();
    for (const p of this.publishers) p.disconnect();
  }
}
