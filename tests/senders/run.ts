/**
 * What programs deliver to a receiver that is killed: `node tests/senders/run.ts [--events 200000] [--kills 5] [NAME…]`, with
 * `--holder` its socket holder too; and what a receiver withstands: `node tests/senders/run.ts --attack`. With `--build` the
 * OpenTelemetry Collector and Telegraf are built before, by Go.
 */
import { parseArgs } from "node:util";

import { buildAgents } from "./built-agents.ts";
import { deliver } from "./deliver.ts";
import { withstand } from "./withstand.ts";

const ATTACK = {
  floodMs: 20_000,
  silentConnections: 10_000,
  silentHttpConnections: 8_000,
  slowConnections: 200,
  frameBytes: 2 ** 31,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    events: { type: "string", default: "200000" },
    kills: { type: "string", default: "5" },
    holder: { type: "boolean", default: false },
    attack: { type: "boolean", default: false },
    build: { type: "boolean", default: false },
  },
});
if (values.build) buildAgents();
const { SENDERS } = await import("./senders.ts");
const size = {
  events: Number(values.events),
  kills: Number(values.kills),
  withHolder: values.holder,
};
const chosen = SENDERS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
if (values.attack) process.stdout.write(`${JSON.stringify(await withstand(ATTACK))}\n`);
for (const sender of values.attack ? [] : chosen) {
  const delivered = sender.isInstalled
    ? await deliver(sender, size)
    : { name: sender.name, missing: true };
  process.stdout.write(`${JSON.stringify(delivered)}\n`);
}
process.exit(0);
