// plain turns a value into one that deepEqual can compare across clients, which
// deliver binary as Buffer, Uint8Array or ArrayBuffer.
export function plain(value) {
  const bytes = bytesOf(value);
  if (bytes) return { binary: bytes.toString("base64") };
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === "object" && value.constructor === Object) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value;
}

function bytesOf(value) {
  if (value instanceof ArrayBuffer) return Buffer.from(value);
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return null;
}

// pattern returns n bytes that differ by position, so that a swap or a shift shows.
export function pattern(n, seed = 1) {
  const bytes = Buffer.alloc(n);
  let x = seed >>> 0 || 1;
  for (let i = 0; i < n; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    bytes[i] = x >>> 24;
  }
  return bytes;
}
