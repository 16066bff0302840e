import { startInstance } from "#api/kit/instance.ts";
import { systemClock } from "#platform/clock.ts";
import { parseConfig } from "#platform/config.ts";
import { silentLog } from "#platform/log.ts";

import { billing } from "./service.ts";

/** What a test runs as a process that it can kill. */
export const WORKER_FILE = import.meta.filename;

/**
 * A process of Billing that a test kills: its database, its root key, and how far its clock is ahead (ms), so that it
 * need not wait for the leases of the one that was killed before it.
 */
async function work([databaseUrl = "", rootKey = "", aheadMs = "0"]: readonly string[]) {
  await startInstance(billing, {
    config: parseConfig({}),
    databaseUrl,
    rootKey,
    port: 0,
    authenticate: () => Promise.resolve(undefined),
    clock: { nowMs: () => systemClock.nowMs() + Number(aheadMs) },
    log: silentLog(),
    writeLine: () => undefined,
  });
}

if (import.meta.main) await work(process.argv.slice(2));
