// Writes reference.json: what the official parser makes of each packet.
//   npm install socket.io-parser@4.2.7 && node reference.mjs > reference.json
import { createRequire } from "node:module";
const { Decoder, PacketType } = createRequire(process.cwd() + "/")("socket.io-parser");

const ph = (num, more = "") => `{"_placeholder":true,"num":${num}${more}}`;
const reserved = ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

const packets = [
  // kinds
  "", "7", "8[]", "9", "a", "abc", "-1", " 2[\"a\"]", "\"", "\0",
  // connect
  "0", "0/", "0/,", "0/admin", "0/admin,", "0/admin,{}", "0{}", "0{\"token\":\"x\"}", "0123", "0123{}", "0[]", "0null", "0\"t\"", "01x",
  "0true", "05.5", "0{", "0{} ", "0 {}", "0/admin{}", "0/a/b,{}", "0/admin?token=1,{}", "0/é,{}", "0{\"a\":1,\"a\":2}",
  // disconnect
  "1", "1/admin", "1/admin,", "1{}", "1[]", "1null", "1false", "112", "1x",
  // events
  "2", "2[]", "2{}", "2\"a\"", "2null", "2[null]", "2[true]", "2[[\"a\"]]", "2[{\"toString\":\"foo\"}]", "2{\"0\":\"a\",\"length\":1}",
  "2[\"a\"]", "2[\"a\",1,2]", "2[\"\"]", "2[1]", "2[-1.5e3,1]", "2[0]", "2[\"error\"]", "2[\"message\"]", "2[\"close\"]", "2[\"connection\"]",
  ...reserved.map((name) => `2["${name}"]`), "2[\"\\u0063onnect\"]", "2[\"Connect\"]", "2[\"connect \"]",
  "2[\"a\"", "2[\"a\",]", "2[,\"a\"]", "2[\"a\"]]", "2[\"a\"]x", "2[\"a\"] ", "2 [\"a\"]", "2[ \"a\" , 1 ]", "2[\"a\\x\"]", "2[\"a\n\"]", "2['a']",
  "2[\"a\",01]", "2[\"a\",+1]", "2[\"a\",.5]", "2[\"a\",1.]", "2[\"a\",1e]", "2[\"a\",NaN]", "2[\"a\",-0]", "2[\"a\",undefined]",
  "2[\"a\",\"\\ud800\"]", "2[\"a\",\"\\u12\"]", "2[\"a\",{\"__proto__\":1,\"constructor\":2}]", "2[\"a\",{\"b\":1,\"b\":2}]", "2[\"a\",{b:1}]",
  "2[\"a\",{\"b\"}]", "2[\"a\",{\"b\":}]", "2[\"a\",{\"b\":1,}]", "2[\"a\",{]}", "2[\"a\",[}]", "2abc[\"a\"]", "2/chat,[\"x\"]", "2/chat[\"x\"]", "2/chat", "2/chat,",
  "2/chat,12[\"x\"]", "2/,[\"x\"]", "2//,[\"x\"]", "2chat,[\"x\"]", "2-[\"a\"]", "21-[\"a\"]", `2["a",${ph(0)}]`,
  // ids
  "20[\"a\"]", "2007[\"a\"]", "2437[\"a\"]", "2999999999999999[\"a\"]", "29007199254740992[\"a\"]", "29223372036854775808[\"a\"]",
  "218446744073709551616[\"a\"]", "2" + "1".repeat(40) + "[\"a\"]", "2" + "0".repeat(40) + "1[\"a\"]", "2-1[\"a\"]", "21.5[\"a\"]", "21e3[\"a\"]", "2+1[\"a\"]", "21 [\"a\"]",
  // acks
  "3", "3[]", "312[]", "312[1,\"x\"]", "3/chat,12[]", "3{}", "312{}", "312null", "312\"x\"", "312[", "312[\"connect\"]", "3[\"x\"]", "312",
  // connect errors
  "4", "4{}", "4\"x\"", "4{\"message\":\"no\"}", "4[]", "4null", "41", "4/chat,\"x\"", "4x",
  // attachment counts
  `51-["a",${ph(0)}]`, `51-/chat,["a",${ph(0)}]`, `51-/chat,12["a",${ph(0)}]`, `51-12["a",${ph(0)}]`, `52-["a",${ph(0)},${ph(1)}]`, `52-["a",${ph(1)},${ph(0)}]`,
  `510-["a",${[...Array(10).keys()].map((i) => ph(i)).join()}]`, `511-["a",${[...Array(11).keys()].map((i) => ph(i)).join()}]`,
  `5["a"]`, `5-["a"]`, `50-["a"]`, `5-1-["a"]`, `51["a",${ph(0)}]`, `51.5-["a"]`, `5Infinity-["a"]`, `55999999999-["a"]`, `5${"9".repeat(40)}-["a"]`, "5woooot",
  `501-["a",${ph(0)}]`, `51e0-["a",${ph(0)}]`, `5 1-["a",${ph(0)}]`, `5+1-["a",${ph(0)}]`, `50x1-["a",${ph(0)}]`, "51-", "51-{}", "51-[]", "51-[1", `51-["connect",${ph(0)}]`,
  "51", "5", "6", `61-12[${ph(0)}]`, `61-12{"a":${ph(0)}}`, "61-12", `60-12[]`, `61-/chat,3[{"a":[${ph(0)}]}]`,
  // placeholders
  `51-["a",${ph(-1)}]`, `51-["a",${ph(1)}]`, `51-["a",${ph('"0"')}]`, `51-["a",${ph('"splice"')}]`, `51-["a",${ph("null")}]`, `51-["a",{"_placeholder":true}]`,
  `51-["a",${ph("1e9")}]`, `51-["a",${ph("0.5")}]`, `51-["a",${ph("0.0")}]`, `51-["a",${ph("0e5")}]`, `51-["a",${ph("-0")}]`, `51-["a",${ph("99999999999999999999")}]`,
  `51-["a"]`, `51-["a",{}]`, `52-["a",${ph(0)},${ph(0)}]`, `51-["a",${ph(0)},${ph(0)}]`, `52-["a",${ph(0)}]`,
  `51-["a",{"num":0,"_placeholder":true}]`, `51-["a", { "num" : 0 , "_placeholder" : true } ]`, `51-["a",{"\\u005fplaceholder":true,"n\\u0075m":0}]`,
  `51-["a",{"_placeholder":false,"num":0}]`, `51-["a",{"_placeholder":1,"num":0}]`, `51-["a",{"_placeholder":"true","num":0}]`, `51-["a",{"_placeholder":true,"num":0,"x":1}]`,
  `51-["a",{"_placeholder":false,"_placeholder":true,"num":7,"num":0}]`, `51-["a",{"_placeholder":true,"_placeholder":false,"num":0}]`,
  `52-["a",{"_placeholder":true,"num":0,"x":${ph(1)}}]`, `51-["a",{"x":{"y":[[${ph(0)}]]}}]`, `51-["a",{"x":${ph(0)},"x":1}]`, `51-[${ph(0)}]`, `51-[1,${ph(0)}]`,
  `51-["a",{"__proto__":${ph(0)}}]`,
];

function decode(text) {
  const decoder = new Decoder();
  let got;
  decoder.on("decoded", (packet) => (got = packet));
  try {
    const count = /^[56]\d{1,2}-/.test(text) ? parseInt(text.slice(1), 10) : 1;
    decoder.add(text);
    for (let i = 0; !got && i < count; i++) decoder.add(Buffer.from("attachment " + i));
    if (!got) return null;
  } catch {
    return null;
  }
  const result = { kind: got.type, nsp: got.nsp };
  if (got.id !== undefined) result.id = got.id;
  if (got.data !== undefined) result.data = got.data;
  return result;
}

Buffer.prototype.toJSON = function () {
  return { attachment: this.toString() };
};
console.log("[\n" + packets.map((text) => JSON.stringify({ text, result: decode(text) })).join(",\n") + "\n]");
