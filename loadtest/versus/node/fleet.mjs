// Official clients for the comparison of recoveries: members of rooms and publishers, of
// whom the line that they print at the end tells what they have heard.
//
//   node fleet.mjs '{"urls":["http://127.0.0.1:3000"],"members":90,"every":20}'
import { createInterface } from "node:readline";
import { io } from "socket.io-client";
import { Fleet } from "../../../internal/e2e/js/lib/members.mjs";

const options = JSON.parse(process.argv[2]);
const fleet = new Fleet(io, options);
if (!(await fleet.ready())) throw new Error("not everybody could connect");
fleet.talk(options.every);
await new Promise((resolve) => setTimeout(resolve, 1000));
console.log("connected");
const [line] = await new Promise((resolve) => {
  const input = createInterface({ input: process.stdin });
  input.once("line", (text) => resolve([text]));
  input.once("close", () => resolve([]));
});
if (line === "over") console.log(JSON.stringify(await fleet.finish(60)));
fleet.close();
process.exit(0);
