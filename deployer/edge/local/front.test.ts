import { afterEach, expect, test, vi } from "vitest";

import { Front } from "./front.ts";
import { NODE_DEFAULTS } from "./node-settings.ts";
import { RunningWorkload } from "./running-workload.ts";

afterEach(() => void vi.useRealTimers());

test("requests are counted at the time of the system, also after the machine has slept", () => {
  const port = 1;
  const workload = new RunningWorkload(
    { name: "web", port, slotsPerColour: 1, checkPath: "/" },
    NODE_DEFAULTS,
  );
  const settings = { ...NODE_DEFAULTS, controlNetworks: [], id: "lb1", dataFolder: "", host: "" };
  const lines = { write: () => undefined, close: () => undefined };
  const front = new Front(workload, { ...settings, workloads: [] }, lines);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 8 * 3_600_000 });
  front.note({
    startMs: performance.now(),
    answeredMs: performance.now(),
    client: "127.0.0.1",
    method: "GET",
    url: "/",
    status: 200,
    lane: "blue",
    slot: "blue/0",
    retries: 0,
    connectMs: 0,
    responseMs: 0,
    bytesSent: 0,
    end: "--",
  });
  expect(workload.traffic.counts("web", Date.now() - 5_000).blue.requests).toBe(1);
});
