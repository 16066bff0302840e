import { hostname } from "node:os";

import { z } from "zod";

import { startInstance } from "#api/kit/instance.ts";
import { SERVICE_NAMES } from "#api/kit/service.ts";
import { systemClock } from "#platform/clock.ts";
import { bufferLines } from "#platform/http/line-buffer.ts";
import { keysOfAccounts, tokenAuthenticator } from "#platform/http/tokens.ts";
import { logTo } from "#platform/log.ts";
import { readInput } from "#platform/processes/worker-input.ts";
import { runWorker } from "#platform/processes/worker-process.ts";
import { parseSettings } from "#platform/settings/settings.ts";

import { workerSettings } from "./service-settings.ts";
import { SERVICES } from "./services.ts";
import { WorkerInput } from "./worker-input.ts";

/** One worker process of a service, started by service-workers.ts. */
const { service } = z
  .object({ service: z.enum(SERVICE_NAMES) })
  .parse(JSON.parse(process.argv[2] ?? "{}"));
const { variables, keys } = WorkerInput.parse(readInput());
// Libraries read variables such as PGSSLROOTCERT themselves.
Object.assign(process.env, variables);
const {
  kit: settings,
  url,
  own: serviceSettings,
} = parseSettings(workerSettings(service), variables);
const node = `${hostname()}/${process.pid}`;
const lines = bufferLines((bytes) => void process.stdout.write(bytes));
process.on("exit", () => lines.flush());
const log = logTo(lines, {
  level: settings.logLevel,
  base: {
    "event.dataset": `${service}.log`,
    "service.name": service,
    "service.version": settings.release,
    "service.node.name": node,
  },
});

runWorker({
  async start(supervisor) {
    return startInstance(await SERVICES[service](), {
      settings,
      serviceSettings,
      databaseUrl: settings.databaseUrl ?? "",
      keys,
      supervisor,
      publicUrl: new URL(url.url ?? supervisor.url).origin,
      authenticate: tokenAuthenticator({
        keys: keysOfAccounts(settings.accountsUrl),
        issuer: settings.accountsUrl,
        nowMs: systemClock.nowMs,
      }),
      clock: systemClock,
      log,
      writeLine: lines.write,
      node,
    });
  },
  logFatal(error) {
    log.error("the worker exits because of an error", { error });
    lines.flush();
  },
});
