// Runs one scenario with one official client and prints what it did as JSON lines.
//
//   node run.mjs <scenario> '{"url":"http://127.0.0.1:3000","client":"4","transport":"upgrade"}'
//
// Exit status 0: every assertion held. Anything else: the last line says what did not.
import { Trial } from "./lib/trial.mjs";
import * as messages from "./scenarios/messages.mjs";
import * as connections from "./scenarios/connections.mjs";
import * as volume from "./scenarios/volume.mjs";
import * as rooms from "./scenarios/rooms.mjs";
import * as faults from "./scenarios/faults.mjs";
import * as relay from "./scenarios/relay.mjs";
import * as cluster from "./scenarios/cluster.mjs";
import * as emitter from "./scenarios/emitter.mjs";
import * as api from "./scenarios/api.mjs";
import * as nodes from "./scenarios/nodes.mjs";
import * as balanced from "./scenarios/balanced.mjs";
import * as rollout from "./scenarios/rollout.mjs";
import * as browser from "./scenarios/browser.mjs";
import * as tokens from "./scenarios/tokens.mjs";
import * as limits from "./scenarios/limits.mjs";
import * as recovery from "./scenarios/recovery.mjs";

const scenarios = {
  ...messages, ...connections, ...volume, ...rooms, ...faults, ...relay, ...cluster, ...emitter, ...api, ...nodes, ...balanced, ...rollout, ...browser,
  ...limits, ...tokens, ...recovery,
};

const [name, options = "{}"] = process.argv.slice(2);
if (!Object.hasOwn(scenarios, name)) {
  console.error(`no scenario ${name}: there are ${Object.keys(scenarios).join(", ")}`);
  process.exit(2);
}
const trial = new Trial(JSON.parse(options));
try {
  await trial.during(scenarios[name](trial));
  trial.say("passed");
  await trial.close();
  process.exit(0);
} catch (err) {
  trial.say("failed", { error: String(err?.stack ?? err), trace: trial.trace() });
  process.exit(1);
}
