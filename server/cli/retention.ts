import { storeSettings } from "#pipeline/settings.ts";
import { openStore } from "#pipeline/store/open-store.ts";
import type { StoreMaintenance } from "#pipeline/store/port.ts";
import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { dataFolderSettings } from "#platform/settings/data-folder.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { printable } from "#platform/terminal.ts";

import { currentStoreUrl } from "../current-store.ts";
import { openDataFolder } from "../data-folder.ts";
import type { Command } from "./command.ts";
import { environmentWith, parseOptions } from "./options.ts";

const HOUR_MS = 3_600_000;

export const retentionCommand: Command = {
  name: "retention",
  summary: "Show for how long events are kept, and confirm the clock after a long pause",
  help: `quarterdeck retention [--confirm] [--data DIR]

Shows the retention of each dataset and the time by which its events expire. That is the time of this machine, unless
its clock is more than three days ahead of the last use of the store: then nothing more is deleted until the program has
run for a day with this clock, and one day of events per hour afterwards. After a shorter pause it reaches the time of
this machine within hours.

  --confirm    the clock is right: delete expired events now
  --data DIR   the data folder (default: QUARTERDECK_DATA, else ./data)

The retention of a dataset is set by the Logging API: PUT /v1/datasets/{dataset}/retention.`,

  async run(args) {
    const { values, positionals } = parseOptions(args, { confirm: { type: "boolean" } });
    if (positionals.length > 0) {
      throw new AppError("bad_request", "retention takes no names, only --confirm and --data");
    }
    const groups = { data: { ...dataFolderSettings, ...storeSettings } };
    const { data } = parseSettings(groups, environmentWith(values));
    openDataFolder(data);
    await using store = await openStore({ url: currentStoreUrl(data), clock: systemClock });
    const nowMs = systemClock.nowMs();
    if (values["confirm"] === true) await store.confirmTime(nowMs);
    process.stdout.write(`${await describe(store, nowMs)}\n`);
    return 0;
  },
};

async function describe(store: StoreMaintenance, nowMs: number): Promise<string> {
  const rules = [...(await store.retention())];
  if (rules.length === 0) return "All events are kept: no dataset has a retention.";
  const lines = rules.map(([dataset, days]) => `${printable(dataset)}: ${days} days`);
  const atMs = await store.expiryTime(nowMs);
  const at = new Date(atMs).toISOString();
  const isLate = nowMs - atMs > HOUR_MS;
  const note = isLate
    ? `Events expire as of ${at} only: see quarterdeck retention --help.`
    : `Events expire as of now, ${at}.`;
  return [...lines, note].join("\n");
}
