import { expect, test } from "vitest";

import { deliverUnderKills } from "./deliver-under-kills.ts";
import { SHIPPERS } from "./shippers.ts";

const EVENTS = 20_000;
const KILLS = 2;
const LIFE_MS = { min: 100, max: 700 };

test.for(SHIPPERS)(
  "$name delivers while the receiver is killed: no event is lost, and those with identities are kept once",
  { timeout: 300_000 },
  async (shipper) => {
    const options = { events: EVENTS, kills: KILLS, lifeMs: LIFE_MS };
    const { lost, repeated } = await deliverUnderKills(shipper, options);
    expect(lost).toEqual([]);
    if (shipper.hasIdentities) expect(repeated).toBe(0);
  },
);
