// Runs what the Go test asks for: each line of standard input is {"id", "code"}, the body of
// an asynchronous function that sees the given names. The answer is a line {"id", "value"},
// or {"id", "error"}. Binary values become {"bytes": "<hex>"}.
"use strict";
const readline = require("node:readline");

const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");

function plain(value) {
  if (Buffer.isBuffer(value) || ArrayBuffer.isView(value)) return { bytes: Buffer.from(value).toString("hex") };
  if (value instanceof ArrayBuffer) return { bytes: Buffer.from(value).toString("hex") };
  if (value instanceof Set) return plain([...value]);
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === "object" && value.constructor === Object) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  }
  return value;
}

async function answer(names, { id, code }) {
  try {
    const run = new Function(...Object.keys(names), `return (async () => { ${code} })()`);
    const value = await run(...Object.values(names));
    print({ id, value: plain(value) ?? null });
  } catch (error) {
    print({ id, error: String(error?.stack ?? error) });
  }
}

exports.plain = plain;
exports.serve = async (names, first) => {
  print(first);
  for await (const line of readline.createInterface({ input: process.stdin })) answer(names, JSON.parse(line));
  process.exit(0);
};
