import { onTestFinished } from "vitest";

import { storeWithEvents } from "#pipeline/metrics/testing-times.ts";
import type { EventStore } from "#pipeline/store/port.ts";
import { systemClock as clock } from "#platform/clock.ts";
import { serveRoutes } from "#platform/http/testing.ts";
import { silentLog } from "#platform/log.ts";

import { eventDetailRoutes } from "./event-details.ts";
import { eventRoutes } from "./events.ts";

/** Serves the routes of events over these requests until the test ends. Returns the JSON of a path, as it is answered. */
export async function serveEvents(events: Parameters<typeof storeWithEvents>[0]) {
  const store: EventStore = await storeWithEvents(events);
  onTestFinished(() => store[Symbol.asyncDispose]());
  const workspace = (): { kind: "logs"; store: EventStore } => ({ kind: "logs", store });
  const deps = { workspace, clock };
  const served = await serveRoutes([...eventRoutes(deps), ...eventDetailRoutes(deps)], {
    access: {
      authenticate: (_, address) => ({ kind: "member", id: "mem_1", address }),
      authorise: () => undefined,
    },
    log: silentLog(),
    clock,
  });
  onTestFinished(() => served[Symbol.asyncDispose]());
  return async (path: string): Promise<unknown> => (await fetch(served.url + path)).json();
}
