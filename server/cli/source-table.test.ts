import { expect, test } from "vitest";

import { sourcesOf } from "../sources/source-rows.ts";
import { activityOf, fileWith } from "../sources/testing-sources.ts";
import { sourceTable } from "./source-table.ts";

const NOW_MS = 1_800_000_000_000;

test("sources are a table with aligned columns, and the reason of each state that is not well", () => {
  const rows = sourcesOf({
    statuses: [
      {
        path: "/a.log",
        source: "/a.log",
        level: "info",
        message: "read to its end",
        datasets: { "nginx.access": 3 },
      },
      {
        path: "/b\u001b[31m.log",
        source: "/b\u001b[31m.log",
        level: "error",
        message: "does not exist",
      },
    ],
    receivers: [],
    activities: [
      activityOf("/a.log", {
        eventsPerSecond: 12,
        newestEventMs: NOW_MS - 3_000,
        arrivedMs: NOW_MS,
      }),
    ],
    file: fileWith("").file(),
    storeError: null,
    busError: null,
    nowMs: NOW_MS,
  }).map(({ row }) => row);
  const [head = "", first = "", second = "", reason] = sourceTable(rows, NOW_MS).split("\n");
  expect(first).toMatch(/^Receiving +\/a\.log +12\/s +3 s ago +– +0 +nginx\.access$/);
  expect(head.indexOf("RATE")).toBe(first.indexOf("12/s"));
  expect(second).not.toContain("\u001b");
  expect(reason).toBe("  does not exist");
});
