import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { z } from "zod";

import { startInstance } from "#api/kit/instance.ts";
import { deriveKeys } from "#api/kit/keys.ts";
import { instanceSettings } from "#api/kit/settings.ts";
import { systemClock } from "#platform/clock.ts";
import { silentLog } from "#platform/log.ts";

import { billing } from "./service.ts";

export type BillingProcess = { process: ChildProcess; url: string };

/**
 * Billing in a process that a test can kill. With its clock `aheadMs` ahead it need not wait for the job leases of a
 * process that was killed before.
 */
export async function startProcess(options: {
  databaseUrl: string;
  rootKey: string;
  aheadMs?: number;
}): Promise<BillingProcess> {
  const child = spawn(process.execPath, [import.meta.filename, JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  const [url] = z.tuple([z.string()]).parse(await once(lines, "line"));
  return { process: child, url };
}

const Options = z.object({
  databaseUrl: z.string(),
  rootKey: z.string(),
  aheadMs: z.number().default(0),
});

async function serve({ databaseUrl, rootKey, aheadMs }: z.output<typeof Options>): Promise<void> {
  const instance = await startInstance(billing, {
    ...instanceSettings(billing, {}),
    databaseUrl,
    keys: deriveKeys(rootKey, billing.secrets ?? []),
    port: 0,
    authenticate: () => Promise.resolve(undefined),
    clock: { nowMs: () => systemClock.nowMs() + aheadMs },
    log: silentLog(),
    writeLine: () => undefined,
    limit: { burst: 1e6, perSecond: 1e6 },
  });
  process.stdout.write(`${instance.url}\n`);
}

if (import.meta.main) await serve(Options.parse(JSON.parse(process.argv[2] ?? "")));
