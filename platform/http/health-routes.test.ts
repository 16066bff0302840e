import { expect, test } from "vitest";

import { systemClock } from "../clock.ts";
import { silentLog } from "../log.ts";
import type { OpenProblem } from "../problems.ts";
import type { AccessControl, OpenRule } from "./access-control.ts";
import { healthRoutes } from "./health-routes.ts";
import { serveRoutes } from "./testing.ts";

const full: OpenProblem = {
  id: "ingest",
  kind: "ingest",
  level: "error",
  message: "the disk of /data is full",
  summary: "New events cannot be stored.",
  action: "Free some space.",
  sinceMs: Date.UTC(2026, 4, 17),
};

const access: AccessControl<OpenRule> = {
  authenticate: (_, address) => ({ kind: "anonymous", id: "", address }),
  authorise: () => undefined,
};

type Given = { problems: OpenProblem[]; store?: () => Promise<unknown>; address?: string };

async function readyz({ problems, store = async () => undefined, address = "127.0.0.1" }: Given) {
  const routes = healthRoutes({ store }, () => problems);
  await using server = await serveRoutes(routes, {
    access,
    log: silentLog(),
    clock: systemClock,
    addressOf: () => address,
  });
  const response = await fetch(`${server.url}/readyz`);
  return { code: response.status, body: await response.json() };
}

test("without problems it is ready; a warning changes nothing but the list", async () => {
  expect(await readyz({ problems: [] })).toEqual({
    code: 200,
    body: { status: "ready", checks: { store: "ok" } },
  });
  const { code, body } = await readyz({ problems: [{ ...full, level: "warning" }] });
  expect([code, body.status, body.problems.length]).toEqual([200, "ready", 1]);
});

test("a program that serves with an error is degraded, so that load balancers keep it", async () => {
  const { code, body } = await readyz({ problems: [full] });
  expect([code, body.status]).toEqual([200, "degraded"]);
  expect(body.problems).toEqual([
    {
      kind: "ingest",
      level: "error",
      message: full.message,
      action: full.action,
      since: "2026-05-17T00:00:00.000Z",
    },
  ]);
});

test("a program that cannot serve is not ready, and lists its problems", async () => {
  const { code, body } = await readyz({
    problems: [full],
    store: () => Promise.reject(new Error("gone")),
  });
  expect([code, body.status, body.checks]).toEqual([
    503,
    "not ready",
    { store: "does not answer" },
  ]);
  expect(body.problems).toHaveLength(1);
});

test("callers from other machines get no messages, which name paths", async () => {
  const { body } = await readyz({ problems: [full], address: "203.0.113.9" });
  expect(body.problems).toMatchObject([{ kind: "ingest", message: full.summary }]);
  expect(JSON.stringify(body)).not.toContain("/data");
});
