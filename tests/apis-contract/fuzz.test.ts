import { expect, test } from "vitest";

import { fuzzService } from "./fuzz.ts";
import { SUBJECTS } from "./subjects.ts";

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 10);

test.each(SUBJECTS.map((it) => ({ name: it.service.name, ...it })))(
  "$name answers whatever is sent to it as it says, and a refused request changes nothing",
  async ({ service, start, mayChange, prepare }) => {
    await using running = await start();
    const { requests, statuses } = await fuzzService(service, running, {
      mayChange,
      prepare,
      runs: RUNS,
    });
    expect(requests).toBeGreaterThan(running.routes.length * RUNS * 0.9);
    // It is no fuzzing where everything is refused.
    const accepted = [...statuses]
      .filter(([status]) => status < 300)
      .reduce((sum, [, n]) => sum + n, 0);
    expect(accepted / requests).toBeGreaterThan(0.1);
  },
  30_000 + RUNS * 6_000,
);
