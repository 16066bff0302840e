import { startInstance } from "#api/kit/instance.ts";
import { systemClock } from "#platform/clock.ts";
import { parseConfig } from "#platform/config.ts";
import { silentLog } from "#platform/log.ts";

import { billing } from "./service.ts";

/** What a test runs as a process that it can kill. */
export const PROCESS_FILE = import.meta.filename;

/** Billing in this process; DATABASE_URL and API_ROOT_KEY are its settings, its address is what it prints. */
async function serve(env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const instance = await startInstance(billing, {
    config: parseConfig({}),
    databaseUrl: env["DATABASE_URL"] ?? "",
    rootKey: env["API_ROOT_KEY"] ?? "",
    port: 0,
    authenticate: () => Promise.resolve(undefined),
    clock: systemClock,
    log: silentLog(),
    writeLine: () => undefined,
    limit: { burst: 1e6, perSecond: 1e6 },
  });
  process.stdout.write(`${instance.url}\n`);
}

if (import.meta.main) await serve(process.env);
