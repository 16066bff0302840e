import { describe, expect, test } from "vitest";

import { IS_BUILT } from "../harness/control-plane.ts";
import { FAULT_NAMES } from "./faults.ts";
import { brokenPromises, reportText } from "./report.ts";
import { runSoak } from "./soak.ts";

/** For an hour, or with another seed: node tests/soak/run.ts --minutes 60 --seed 7 */
const SECONDS = 60;
const SEED = 20_261_129;
/** Only a hang is slower; `run.ts` asserts what people notice. */
const LIMITS = { boardMs: 30_000, stopMs: 30_000, reportMs: 30_000 };

describe.runIf(IS_BUILT)("a soak with faults", () => {
  test("no line is lost or stored twice, boards are always served, and show what is wrong", async () => {
    const report = await runSoak({ seconds: SECONDS, seed: SEED, faults: FAULT_NAMES });
    process.stderr.write(`soak: ${reportText(report)}\n`);
    expect(brokenPromises(report, LIMITS)).toEqual([]);
    const mayBeMissing = report.faults.some(({ name }) => name === "full-disk")
      ? []
      : ["full-disk"];
    expect(report.impossible).toEqual(mayBeMissing);
  }, 300_000);
});
