// Socket.IO v5 packets, from the text of an Engine.IO message to a value.
//
// Pure functions of their input, except for the Assembler, which holds a binary
// packet until its attachments have come.

export class ProtocolError extends Error {}

const TYPES = ["connect", "disconnect", "event", "ack", "refusal", "event", "ack"];
const MAX_ATTACHMENTS = 10;

// type [attachments "-"] [namespace ","] [ack id] [JSON]
const HEADER = /^([0-6])(?:(\d{1,3})-)?(?:(\/[^,]*)(?:,|$))?(\d{1,15})?/;

// decodePacket returns {type, namespace, id, attachments, payload}, and throws
// a ProtocolError for what is not a packet. id is -1 when there is none.
export function decodePacket(text) {
  const header = HEADER.exec(text);
  if (!header) throw new ProtocolError("unknown packet type");
  const [whole, digit, count, namespace = "/", id] = header;
  const packet = {
    type: TYPES[digit],
    namespace,
    id: id === undefined ? -1 : Number(id),
    attachments: attachmentCount(digit, count),
    payload: decodeJSON(text.slice(whole.length)),
  };
  if (!fits(packet)) throw new ProtocolError(`bad payload of packet type ${digit}`);
  return packet;
}

function attachmentCount(digit, count) {
  const binary = digit === "5" || digit === "6";
  if (binary !== (count !== undefined)) throw new ProtocolError("bad attachment count");
  if (!binary) return 0;
  if (Number(count) < 1 || Number(count) > MAX_ATTACHMENTS) throw new ProtocolError("bad attachment count");
  return Number(count);
}

// decodeJSON reads what a peer sent. Nothing is undefined, as opposed to null.
export function decodeJSON(text) {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new ProtocolError("invalid JSON");
  }
}

function fits({ type, id, payload }) {
  switch (type) {
    case "connect":
      return typeof payload?.sid === "string";
    case "disconnect":
      return payload === undefined;
    case "event":
      return Array.isArray(payload) && typeof payload[0] === "string";
    case "ack":
      return Array.isArray(payload) && id >= 0;
    case "refusal":
      return typeof payload?.message === "string";
  }
}

// Assembler puts attachments back into the packet they follow.
export class Assembler {
  #packet = null;
  #buffers = [];

  reset() {
    this.#packet = null;
    this.#buffers = [];
  }

  // add takes a decoded packet or an ArrayBuffer and returns the packet that
  // is complete with it, or null while attachments are missing.
  add(item) {
    if (item instanceof ArrayBuffer) return this.#attach(item);
    if (this.#packet) throw new ProtocolError("text where an attachment was due");
    if (item.attachments === 0) return item;
    this.#packet = item;
    return null;
  }

  #attach(buffer) {
    if (!this.#packet) throw new ProtocolError("an attachment that belongs to nothing");
    this.#buffers.push(buffer);
    if (this.#buffers.length < this.#packet.attachments) return null;
    const packet = { ...this.#packet, payload: fill(this.#packet.payload, this.#buffers) };
    this.reset();
    return packet;
  }
}

function fill(value, buffers) {
  if (Array.isArray(value)) return value.map((item) => fill(item, buffers));
  if (value === null || typeof value !== "object") return value;
  if (value._placeholder === true) {
    const buffer = buffers[value.num];
    if (!buffer) throw new ProtocolError("illegal attachments");
    return buffer;
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, buffers)]));
}
