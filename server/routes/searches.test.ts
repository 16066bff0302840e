import { expect, onTestFinished, test } from "vitest";

import { NO_STATUS } from "#pipeline/live-link/messages.ts";
import { openMemoryStore } from "#pipeline/store/memory-store.ts";
import type { Asking, EventStore } from "#pipeline/store/port.ts";
import { Questions } from "#pipeline/store/questions.ts";
import { systemClock as clock } from "#platform/clock.ts";
import { serveRoutes } from "#platform/http/testing.ts";
import { silentLog } from "#platform/log.ts";

import { boardParts } from "../board/testing-board.ts";
import { boardRoutes } from "./board.ts";
import { eventRoutes } from "./events.ts";

const OWNER = { id: "mem_1", email: "a@example.com", name: "Ann", role: "owner" } as const;

/** The routes of searches over a store whose searches never find an end by themselves. */
async function serveSearches(questions = new Questions()) {
  const asked: { asking: Asking; ended: Promise<unknown> }[] = [];
  const search = <T>(asking: Asking): Promise<T> => {
    const ended = questions.run<T>(asking, () => new Promise(() => undefined));
    asked.push({ asking, ended: ended.then(() => "answered", String) });
    return ended;
  };
  const store: EventStore = Object.assign(openMemoryStore()(), {
    search,
    facets: search,
    aggregate: search,
  });
  const { live, predictions } = boardParts(store, clock);
  const status = () => ({ ...NO_STATUS, indexers: 1, indexerFailure: null });
  const workspace = { kind: "logs", store, live, predictions, status } as const;
  const deps = { workspace: () => workspace, clock };
  const signedIn = { member: OWNER, grants: [] };
  const boards = boardRoutes({ ...deps, problems: () => [], turnDemoOff: async () => undefined });
  const served = await serveRoutes([...eventRoutes(deps), ...boards], {
    access: {
      authenticate: (_, address) => ({ kind: "member", id: OWNER.id, address, signedIn }),
      authorise: () => undefined,
    },
    log: silentLog(),
    clock,
  });
  return { url: served.url, asked, stop: () => served[Symbol.asyncDispose]() };
}

test.each(["/api/events?q=path:*a*b", "/api/events/overview?q=path:*a*b"])(
  "a search that takes too long is answered with what to do: %s",
  async (path) => {
    const { url, stop } = await serveSearches(new Questions(50));
    onTestFinished(stop);
    const response = await fetch(`${url}${path}`);
    expect(response.status).toBe(503);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    const { detail } = Object(await response.json());
    expect(detail).toMatch(/0\.05 s/);
  },
);

test.each([
  ["/api/events?q=path:*a*b", 1],
  ["/api/events/overview?q=path:*a*b", 2],
])("a search ends when its reader disconnects: %s", async (path, questions) => {
  const { url, asked, stop } = await serveSearches();
  onTestFinished(stop);
  const leaving = new AbortController();
  const response = fetch(`${url}${path}`, { signal: leaving.signal }).catch(() => undefined);
  await expect.poll(() => asked.length).toBe(questions);
  leaving.abort();
  await response;
  const ends = await Promise.all(asked.map(({ ended }) => ended));
  for (const end of ends) expect(end).toMatch(/reader disconnected/);
  expect(asked.map(({ asking }) => asking.asker)).toEqual(asked.map(() => "mem_1"));
});

test("a member's board takes turns with the member's searches", async () => {
  const { url, asked, stop } = await serveSearches();
  onTestFinished(stop);
  const paths = ["/api/events?q=path:*a*b", "/api/board?q=shop.basket:7"];
  const leaving = new AbortController();
  const { signal } = leaving;
  const responses = paths.map((path) => fetch(`${url}${path}`, { signal }).catch(() => undefined));
  await expect.poll(() => asked.length).toBe(paths.length);
  expect(new Set(asked.map(({ asking }) => asking.asker)).size).toBe(paths.length);
  leaving.abort();
  await Promise.all(responses);
});

test("a stop ends searches, so that it need not wait for them", async () => {
  const { url, asked, stop } = await serveSearches();
  const response = fetch(`${url}/api/events?q=path:*a*b`).catch(() => undefined);
  await expect.poll(() => asked.length).toBe(1);
  await stop();
  expect(await asked[0]?.ended).toMatch(/Quarterdeck is stopping/);
  await response;
});
