import { expect, onTestFinished, test } from "vitest";

import { SourceList } from "#dashboards/api.ts";
import { systemClock as clock } from "#platform/clock.ts";
import { serveRoutes } from "#platform/http/testing.ts";
import { silentLog } from "#platform/log.ts";

import { sourcesRoute } from "./sources.ts";

test("sources are listed with how their lines were recognised, those with problems first", async () => {
  const healthy = Array.from({ length: 300 }, (_, n) => ({
    path: `/var/log/${n}.log`,
    level: "info" as const,
    message:
      "read to its end (7 bytes); events by dataset: nginx.access 41, quarterdeck.quarantine 1",
  }));
  const failing = { path: "/var/log/x", level: "error" as const, message: "cannot be read" };
  const sources = [...healthy, failing];
  const served = await serveRoutes(
    [sourcesRoute({ workspace: () => ({ status: () => ({ sources }) }) })],
    {
      access: {
        authenticate: (_, address) => ({ kind: "member", id: "mem_1", address }),
        authorise: () => undefined,
      },
      log: silentLog(),
      clock,
    },
  );
  onTestFinished(() => served[Symbol.asyncDispose]());
  const answer = SourceList.parse(await (await fetch(`${served.url}/api/sources`)).json());
  expect(answer.total).toBe(301);
  expect(answer.sources).toHaveLength(200);
  expect(answer.sources.slice(0, 2)).toEqual([
    { path: "/var/log/x", level: "error", notes: ["cannot be read"] },
    {
      path: "/var/log/0.log",
      level: "info",
      notes: [
        "read to its end (7 bytes)",
        "events by dataset: nginx.access 41, quarterdeck.quarantine 1",
      ],
    },
  ]);
});
