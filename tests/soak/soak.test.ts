import { describe, expect, test } from "vitest";

import { IS_BUILT } from "../harness/control-plane.ts";
import type { FaultName } from "./faults.ts";
import { brokenPromises, reportText } from "./report.ts";
import { runSoak } from "./soak.ts";

/** For an hour, or with another seed: node tests/soak/run.ts --minutes 60 --seed 7 */
const SECONDS = 45;
const SEED = 20_261_129;
const FAULTS: readonly FaultName[] = [
  "kills",
  "clock",
  "rotations",
  "future-lines",
  "searches",
  "overviews",
];
/** Only a hang is slower; `run.ts` asserts what people notice. */
const LIMITS = { boardMs: 30_000, stopMs: 30_000 };

describe.runIf(IS_BUILT)("a soak with faults", () => {
  test("under kills, rotations, steps of the clock and hostile searches no line is lost or stored twice, and boards are always served", async () => {
    const report = await runSoak({ seconds: SECONDS, seed: SEED, faults: FAULTS });
    process.stderr.write(`soak: ${reportText(report)}\n`);
    expect(brokenPromises(report, LIMITS)).toEqual([]);
    for (const name of FAULTS) {
      expect(report.faults.map((fault) => fault.name)).toContain(name);
    }
  }, 300_000);
});
