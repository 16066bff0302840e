import { expect, onTestFinished, test, vi } from "vitest";

import { silentLog } from "#platform/log.ts";

import type { ClosedEdgePort } from "./edge-port.ts";
import { EdgeWatch } from "./edge-watch.ts";

const WAIT = { timeout: 20_000 };
const CLOSED = { node: "lb1", port: 4_612, why: "is in use by another process" };

test("an edge that cannot start is started again, and its closed ports are named with what to set", async () => {
  let isStarted = false;
  let closed: ClosedEdgePort[] = [];
  const start = vi
    .fn<() => Promise<void>>()
    .mockRejectedValueOnce(new Error("Port 4650 is in use"))
    .mockRejectedValueOnce(new Error("Port 4650 is in use"))
    .mockImplementation(async () => void (isStarted = true));
  const edge = { isStarted: () => isStarted, closedPorts: async () => closed };
  const watch = new EdgeWatch({ edge, start, log: silentLog() });
  onTestFinished(() => watch[Symbol.asyncDispose]());
  await expect(watch.start()).rejects.toThrow("Port 4650");
  expect(watch.problemsOf("billing")).toEqual([
    "The edge cannot be started, which is tried again. Port 4650 is in use",
  ]);
  expect(watch.notesOf("lb1")).toEqual(watch.problemsOf("billing"));
  await expect.poll(() => watch.problemsOf("billing"), WAIT).toEqual([]);
  closed = ["billing", "shop"].map((workload) => ({ ...CLOSED, workload }));
  await expect
    .poll(() => watch.problemsOf("billing"), WAIT)
    .toEqual([expect.stringMatching(/billing at lb1: port 4612 is in .* QUARTERDECK_EDGE_PORT/)]);
  expect(watch.problemsOf("shop")).toEqual([expect.stringMatching(/another edgePort for shop/)]);
  expect(watch.problemsOf("blog")).toEqual([]);
  expect(watch.notesOf("lb1")).toHaveLength(2);
  closed = [];
  await expect.poll(() => watch.notesOf("lb1"), WAIT).toEqual([]);
});
