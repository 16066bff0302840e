import { expect, test } from "vitest";

import { deliver } from "./deliver.ts";
import { hasRsyslogModule } from "./rsyslog.ts";
import { SENDERS } from "./senders.ts";
import { withstand } from "./withstand.ts";

const EVENTS = 2_000;
/** What a run writes to the terminal where a sender is missing. */
const absent = SENDERS.filter(({ isInstalled }) => !isInstalled);
for (const { name, builtBy } of absent.filter((it) => it.builtBy !== undefined)) {
  process.stderr.write(`!! ${name} is NOT TESTED as a sender until it is built: ${builtBy}\n`);
}
const missing = absent.filter((it) => it.builtBy === undefined).map(({ name }) => name);
if (missing.length > 0) {
  if (process.env["CI"] === "true") throw new Error(`CI must have ${missing.join(", ")}`);
  process.stderr.write(`!! ${missing.join(", ")} not installed: NOT TESTED as senders\n`);
}

test.each(SENDERS.filter(({ isInstalled }) => isInstalled))(
  "$name delivers its events in its usual configuration, each once",
  async (sender) => {
    const { lost, doubled } = await deliver(sender, { events: EVENTS, kills: 0 });
    expect(doubled).toBe(0);
    // A busy machine may drop datagrams.
    if (sender.transport === "UDP") expect(lost).toBeLessThan(EVENTS / 2);
    else expect(lost).toBe(0);
  },
);

test.runIf(hasRsyslogModule("omrelp"))(
  "a killed receiver loses nothing that rsyslog sends over RELP",
  async () => {
    const relp = SENDERS.filter(({ name }) => name === "rsyslog-relp");
    for (const sender of relp) {
      expect(await deliver(sender, { events: 5_000, kills: 2 })).toMatchObject({ lost: 0 });
    }
  },
);

test("a flood of datagrams, silent and slow connections and an endless frame disturb no other sender", async () => {
  const { sent, stored, rssMbPeak } = await withstand({
    floodMs: 2_000,
    silentConnections: 2_000,
    silentHttpConnections: 500,
    slowConnections: 50,
    frameBytes: 64 * 1024 * 1024,
  });
  expect(sent).toBeGreaterThan(0);
  expect(stored).toBe(sent);
  expect(rssMbPeak).toBeLessThan(700);
});
