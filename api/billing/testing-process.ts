import { startInstance } from "#api/kit/instance.ts";
import { systemClock } from "#platform/clock.ts";
import { parseConfig } from "#platform/config.ts";
import { silentLog } from "#platform/log.ts";

import { billing } from "./service.ts";

/** Billing as one process that a test can kill: DATABASE_URL and API_ROOT_KEY are its own, its address is what it prints. */
const env = process.env;
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
