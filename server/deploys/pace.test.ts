import { expect, test } from "vitest";

import { ECS_PACE, LOCAL_PACE } from "./pace.ts";

test.each([LOCAL_PACE, ECS_PACE])(
  "a write is not given up before the fleet itself ends it, and reckoned with for as long",
  ({ callMsMax, observe, limits }) => {
    expect(observe.fleetWriteMsMax).toBeGreaterThan(callMsMax);
    expect(limits.fleetLagMs).toBeGreaterThanOrEqual(callMsMax);
  },
);
