// What a person types for a node, as the origin that a client connects to.

// nodeOrigin accepts "http://host:port", "host:port" and ":port", the last two
// on the page's own scheme, the last on its own host. It throws an Error with a
// sentence for the person when the text is no address.
export function nodeOrigin(text) {
  const typed = text.trim();
  if (typed === "") throw new Error("Enter the URL of a node, such as http://localhost:3001.");
  const url = parse(withScheme(typed));
  if (!url || url.hostname === "") throw new Error(`“${typed}” is not a URL. A node’s looks like http://localhost:3001.`);
  if (!/^(https?|wss?):$/.test(url.protocol)) throw new Error(`A node’s URL begins with http:// or https://, not ${url.protocol}//.`);
  if (url.username || url.password) throw new Error("A browser sends no user name and password from a URL. Leave them out.");
  return `${url.protocol.replace("ws", "http")}//${url.host}`;
}

function withScheme(typed) {
  if (/^:\d+$/.test(typed)) return `${location.protocol}//${location.hostname}${typed}`;
  return typed.includes("://") ? typed : `${location.protocol}//${typed}`;
}

function parse(text) {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
