import { once } from "node:events";
import { createServer } from "node:http";

import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { createRouteMetrics } from "../metrics/route-metrics.ts";
import type { Database } from "../postgres/database.ts";
import { createLastWrites } from "../postgres/last-writes.ts";
import { withoutReplicas } from "../postgres/service-database.ts";
import type { AccessControl, BaseRule } from "./access-control.ts";
import { createListener } from "./listener.ts";
import type { Route } from "./route.ts";

export type TestRoutesDeps<R extends BaseRule> = {
  access: AccessControl<R>;
  log: Log;
  clock: Clock;
  /** Undefined: the routes need no database. */
  database?: Database;
  addressOf?: () => string;
};

/** Serves routes on a real HTTP server. */
export async function serveRoutes<R extends BaseRule>(
  routes: readonly Route<NoInfer<R>>[],
  { access, log, clock, ...deps }: TestRoutesDeps<R>,
): Promise<AsyncDisposable & { url: string }> {
  const stopping = new AbortController();
  const listener = createListener(routes, {
    access,
    log,
    clock,
    database: withoutReplicas(deps.database ?? NO_DATABASE),
    lastWrites: createLastWrites(),
    headers: {},
    addressOf: deps.addressOf ?? (() => "192.0.2.1"),
    writeAccessLine: () => undefined,
    meter: createRouteMetrics().meter,
    stopping: stopping.signal,
  });
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const noDatabase = (): Promise<never> => Promise.reject(new Error("there is no database"));
const NO_DATABASE: Database = {
  query: noDatabase,
  transaction: noDatabase,
  close: () => Promise.resolve(),
};
