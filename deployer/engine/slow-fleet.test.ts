import { expect, test } from "vitest";

import { SIMULATED_PACE } from "../simulation/controllers.ts";
import { testBilling } from "../simulation/testing-deployer.ts";

test("a write of the fleet may take longer than one of a node, and is not sent a second time meanwhile", async () => {
  const slowMs = 2 * SIMULATED_PACE.writeMsMax;
  let [running, most] = [0, 0];
  const tested = await testBilling(
    {},
    (drivers) => ({
      ...drivers,
      fleet: {
        ...drivers.fleet,
        async ensure(request) {
          running += 1;
          most = Math.max(most, running);
          await new Promise<void>((resolve) => void tested.time.later(slowMs, resolve));
          await drivers.fleet.ensure(request);
          running -= 1;
        },
      },
    }),
    { fleetWriteMsMax: 2 * slowMs },
  );
  const { id } = await tested.release("r1");
  const effects = await tested.journal.effects(id);
  const asked = effects.filter(({ effect }) => effect.kind === "fleet.ensure");
  expect(asked.map(({ result }) => result?.status)).toEqual(["ok"]);
  expect(most).toBe(1);
});
