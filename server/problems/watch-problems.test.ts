import { expect, onTestFinished, test } from "vitest";

import { NO_STATUS } from "#pipeline/live-link/messages.ts";
import { systemClock } from "#platform/clock.ts";
import { silentLog } from "#platform/log.ts";

import type { StoreData } from "./find-problems.ts";
import { watchProblems } from "./watch-problems.ts";

const SOON = { timeout: 15_000 };
const INTACT: StoreData = { problems: [], holes: [] };
const DAMAGED: StoreData = {
  problems: [{ id: "a.parquet", kind: "file", message: "is damaged" }],
  holes: [{ fromMs: 0, toMs: 60_000, dataset: "web", events: 7 }],
};

/** The watch of a workspace whose store has a damaged file. */
function openWatch() {
  const state = { queries: 0, changes: 0, holesChanges: 0, store: { status: async () => DAMAGED } };
  const watch = watchProblems({
    clock: systemClock,
    log: silentLog(),
    database: {
      async query() {
        state.queries += 1;
        return [];
      },
    },
    workspace: () => ({
      kind: "logs",
      store: state.store,
      status: () => ({ ...NO_STATUS, indexers: 1, indexerFailure: null }),
      hasIndexer: () => true,
    }),
    forecasterProblem: () => null,
    apis: () => ({ down: [], error: null }),
    receivers: () => ({ isOwn: false, error: null, holders: [] }),
    deploysProblem: () => null,
  });
  watch.onChange = () => (state.changes += 1);
  watch.onHolesChange = () => (state.holesChanges += 1);
  onTestFinished(() => watch[Symbol.asyncDispose]());
  return { state, kinds: () => watch.current().map(({ kind }) => kind) };
}

test("damage stays listed, and boards are not loaded again, while the store does not respond", async () => {
  const { state, kinds } = openWatch();
  await expect.poll(kinds, SOON).toEqual(["missing_events", "store_file"]);
  state.store.status = () => Promise.reject(new Error("too many open files"));
  await expect.poll(kinds, SOON).toContain("store");
  expect(kinds()).toEqual(expect.arrayContaining(["missing_events", "store_file"]));
  expect(state.holesChanges).toBe(0);
}, 30_000);

test("a store that is closed because its workspace was replaced is no problem", async () => {
  const { state, kinds } = openWatch();
  const before = state.store;
  before.status = () => {
    state.store = { status: async () => INTACT };
    return Promise.reject(new Error("the store is closed"));
  };
  // The third begins after the second has ended, with the store that replaced the closed one.
  await expect.poll(() => state.queries, SOON).toBe(3);
  expect([state.changes, kinds()]).toEqual([0, []]);
}, 30_000);
