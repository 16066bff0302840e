/**
 * Delivers with each shipper while receiver and indexer are killed: node tests/shippers/run.ts [--events N] [--kills N]
 * [--shipper NAME]. Prints what was lost and what is stored twice; its exit status is 1 if anything is wrong.
 */
import { parseArgs } from "node:util";

import { deliverUnderKills } from "./deliver-under-kills.ts";
import { SHIPPERS } from "./shippers.ts";

const LIFE_MS = { min: 300, max: 2_500 };

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "200000" },
    kills: { type: "string", default: "5" },
    shipper: { type: "string" },
  },
});
const chosen = SHIPPERS.filter(
  ({ name }) => values.shipper === undefined || values.shipper === name,
);
let isRight = chosen.length > 0;
for (const shipper of chosen) {
  const options = { events: Number(values.events), kills: Number(values.kills), lifeMs: LIFE_MS };
  const { events, kills, lost, repeated } = await deliverUnderKills(shipper, options);
  process.stdout.write(
    `${shipper.name}: ${events} events, ${kills} kills of the receiver: ${lost.length} lost, ${repeated} stored again because the shipper sent them again\n`,
  );
  isRight &&= lost.length === 0 && !(shipper.hasIdentities && repeated > 0);
}
process.exitCode = isRight ? 0 : 1;
