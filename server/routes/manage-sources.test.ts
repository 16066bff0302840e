import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { followSourcesFile } from "#collectors/configured/follow-sources.ts";
import { SourcesAnswer } from "#dashboards/sources/messages.ts";
import { systemClock as clock } from "#platform/clock.ts";
import { serveRoutes } from "#platform/http/testing.ts";
import { silentLog } from "#platform/log.ts";

import { activityOf, NO_LISTENERS, workspaceWith } from "../sources/testing-sources.ts";
import { manageSourcesRoutes } from "./manage-sources.ts";
import { sourcesRoute } from "./sources.ts";

const OWNER = { id: "mem_1", role: "owner", name: "Ann", email: "a@example.com" };
const CALLER = { kind: "member", id: "mem_1", signedIn: { member: OWNER, grants: [] } };

test("a source is listed as what it is from the moment it is added, and not any more when it was removed", async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), "quarterdeck manage "));
  onTestFinished(() => rm(dataFolder, { recursive: true, force: true }));
  const following = new AbortController();
  onTestFinished(() => following.abort());
  const sourcesFile = await followSourcesFile(dataFolder, () => undefined, following.signal);
  // The indexer has the entry sooner than the answer is sent, and later than that it is gone.
  const workspace = workspaceWith({
    sources: [{ path: "shop", source: "shop", level: "info", message: "is read every minute" }],
    activities: [activityOf("shop", { isPushed: true, arrivedMs: clock.nowMs() })],
  });
  const served = await serveRoutes(
    [
      sourcesRoute({ workspace: () => workspace, sourcesFile, listeners: NO_LISTENERS, clock }),
      ...manageSourcesRoutes({ settings: { dataFolder }, sourcesFile }),
    ],
    {
      access: {
        authenticate: (_, address) => ({ ...CALLER, address }),
        authorise: () => undefined,
      },
      database: { query: async () => [] } as never,
      log: silentLog(),
      clock,
    },
  );
  onTestFinished(() => served[Symbol.asyncDispose]());
  const rows = async () => {
    const answer = await (await fetch(`${served.url}/api/sources`)).json();
    return SourcesAnswer.parse(answer).rows.map(({ source, kind, origin }) => {
      return { source, kind, origin };
    });
  };
  const added = await fetch(`${served.url}/api/sources`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      id: "shop",
      kind: "database",
      properties: { url: "postgres://quarterdeck@db.example/shop" },
      secrets: {},
    }),
  });
  expect(added.status).toBe(200);
  expect(await rows()).toEqual([{ source: "shop", kind: "database", origin: "file" }]);
  const removed = await fetch(`${served.url}/api/sources?source=shop`, { method: "DELETE" });
  expect(removed.status).toBe(204);
  expect(await rows()).toEqual([]);
});
