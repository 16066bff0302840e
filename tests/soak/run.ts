/**
 * The soak with faults: `node tests/soak/run.ts [--minutes 60] [--seed N] [--faults kills,rotations]`. Exits with 1 if a
 * promise is broken.
 */
import { parseArgs } from "node:util";

import { FAULT_NAMES, type FaultName } from "./faults.ts";
import { brokenPromises, reportText } from "./report.ts";
import { runSoak } from "./soak.ts";

const LIMITS = { boardMs: 2_000, stopMs: 10_000, reportMs: 10_000 };
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    faults: { type: "string", default: FAULT_NAMES.join(",") },
  },
});
const faults = values.faults.split(",").map(faultNamed);
const startMs = performance.now();
say(`seed ${values.seed}, ${values.minutes} min: ${faults.join(", ")}`);
const report = await runSoak({
  seconds: Number(values.minutes) * 60,
  seed: Number(values.seed),
  faults,
  onFault: (line) => say(`${((performance.now() - startMs) / 1_000).toFixed(1)} s ${line}`),
});
say(`\n${reportText(report)}`);
const broken = brokenPromises(report, LIMITS);
for (const promise of broken) say(`!! ${promise}`);
process.exitCode = broken.length === 0 ? 0 : 1;

function faultNamed(name: string): FaultName {
  const found = FAULT_NAMES.find((known) => known === name);
  if (found !== undefined) return found;
  throw new Error(`there is no fault ${name}: name some of ${FAULT_NAMES.join(", ")}`);
}
