import { expect, test } from "vitest";

import { deliver } from "./deliver.ts";
import { hasRsyslogModule } from "./rsyslog.ts";
import { SENDERS } from "./senders.ts";
import { withstand } from "./withstand.ts";

const EVENTS = 5_000;
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
  "$name delivers its events in its usual configuration, each once, though the receiver is killed",
  async (sender) => {
    // What a client over HTTP sends again has its own tests.
    const kills = sender.transport === "HTTP" ? 0 : 2;
    const { lost, doubled, droppedByKernel } = await deliver(sender, { events: EVENTS, kills });
    expect(doubled).toBe(0);
    // Of a busy machine the kernel may drop datagrams.
    expect(lost).toBe(droppedByKernel);
    expect(droppedByKernel).toBeLessThan(EVENTS / 2);
  },
);

test.runIf(hasRsyslogModule("omrelp"))(
  "over RELP nothing is lost when the holder is killed too",
  async () => {
    const relp = SENDERS.filter(({ transport }) => transport === "RELP");
    for (const sender of relp) {
      const how = { events: EVENTS, kills: 2, withHolder: true };
      expect(await deliver(sender, how)).toMatchObject({ lost: 0 });
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
