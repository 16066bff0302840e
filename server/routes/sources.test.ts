import { expect, onTestFinished, test } from "vitest";

import { SourcesAnswer } from "#dashboards/sources/messages.ts";
import { systemClock as clock } from "#platform/clock.ts";
import { serveRoutes } from "#platform/http/testing.ts";
import { silentLog } from "#platform/log.ts";

import { fileWith, NO_LISTENERS, workspaceWith } from "../sources/testing-sources.ts";
import { sourcesRoute } from "./sources.ts";

async function serve(grants: readonly object[]): Promise<string> {
  const sources = Array.from({ length: 300 }, (_, n) => ({
    path: `/var/log/${n}.log`,
    level: n === 200 ? ("error" as const) : ("info" as const),
    message: n === 200 ? "cannot be read" : "read to its end (7 bytes)",
  }));
  const lastLines = [{ source: "/var/log/1.log", path: "/var/log/1.log", raw: "hi", fields: {} }];
  const workspace = workspaceWith({ sources, lastLines });
  const sourcesFile = fileWith("");
  const member = { id: "mem_1", role: "member", name: "Ann", email: "a@example.com" };
  const served = await serveRoutes(
    [sourcesRoute({ workspace: () => workspace, sourcesFile, listeners: NO_LISTENERS, clock })],
    {
      access: {
        authenticate: (_, address) =>
          // The kit passes the caller through to the handlers of the control plane.
          ({ kind: "member", id: "mem_1", address, signedIn: { member, grants } }) as never,
        authorise: () => undefined,
      },
      log: silentLog(),
      clock,
    },
  );
  onTestFinished(() => served[Symbol.asyncDispose]());
  return served.url;
}

const answerOf = async (url: string): Promise<SourcesAnswer> =>
  SourcesAnswer.parse(await (await fetch(url)).json());

const grant = (capability: string, target: string) => ({
  memberId: "mem_1",
  capability,
  target,
  expiresMs: null,
});

test("sources are listed with their state, those with problems first, at most as many as wanted", async () => {
  const url = await serve([grant("view", "source:*")]);
  const answer = await answerOf(`${url}/api/sources?limit=2`);
  expect(answer).toMatchObject({ total: 300, matching: 300, maySeeLines: false, mayManage: false });
  expect(answer.counts).toMatchObject({ failing: 1, waiting: 299 });
  expect(answer.rows.map(({ source, state }) => `${source} ${state}`)).toEqual([
    "/var/log/200.log failing",
    "/var/log/0.log waiting",
  ]);
  expect((await fetch(`${url}/api/sources?limit=501`)).status).toBe(400);
});

test("the last line of a source is only for members who may see raw events", async () => {
  const path = "/api/sources?source=/var/log/1.log";
  const chart = await answerOf(`${await serve([grant("view", "source:*")])}${path}`);
  expect(chart.detail?.row.source).toBe("/var/log/1.log");
  expect(chart.detail?.last).toBeNull();
  const grants = [grant("view", "source:*"), grant("view", "events:all")];
  expect((await answerOf(`${await serve(grants)}${path}`)).detail?.last?.raw).toBe("hi");
});
