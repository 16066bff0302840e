import { expect, test } from "vitest";

import { fuzzApi } from "./fuzz.ts";
import { APIS } from "./subjects.ts";

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 10);

test.each(APIS)(
  "$name responds to any request as its document states, and a refused request changes nothing",
  async (api) => {
    const running = await api.start();
    try {
      const { requests, statuses } = await fuzzApi(running, {
        ...api,
        prepare: () => Promise.resolve(api.prepare?.(running)),
        runs: RUNS,
      });
      expect(requests).toBeGreaterThan(running.routes.length * RUNS * 0.9);
      // If almost all requests were refused, fuzzing would prove little.
      const accepted = [...statuses]
        .filter(([status]) => status < 300)
        .reduce((sum, [, n]) => sum + n, 0);
      expect(accepted / requests).toBeGreaterThan(0.05);
    } finally {
      await running.stop();
    }
  },
  30_000 + RUNS * 6_000,
);
