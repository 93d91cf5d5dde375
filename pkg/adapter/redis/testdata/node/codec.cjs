// Answers each line of standard input, {"value": "<JavaScript>"}, {"json": "<text>"} or
// {"hex": "<bytes>"}, with what notepack.io makes of it: its bytes, and the JSON of what they
// are read as.
"use strict";
const readline = require("node:readline");
const notepack = require("notepack.io");

function flatten(value, attachments) {
  if (Buffer.isBuffer(value) || value instanceof ArrayBuffer) {
    attachments.push(Buffer.from(value).toString("hex"));
    return { _placeholder: true, num: attachments.length - 1 };
  }
  if (Array.isArray(value)) return value.map((v) => flatten(v, attachments));
  if (value && typeof value === "object" && !(value instanceof Date)) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, flatten(v, attachments)]));
  }
  return value;
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { value, json, hex } = JSON.parse(line);
    const packed = hex ? Buffer.from(hex, "hex") : notepack.encode(json ? JSON.parse(json) : eval("(" + value + ")"));
    const attachments = [];
    const text = JSON.stringify(flatten(notepack.decode(packed), attachments));
    process.stdout.write(JSON.stringify({ hex: packed.toString("hex"), json: text, attachments }) + "\n");
  }
})();
