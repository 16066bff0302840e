import { describe, expect, test } from "vitest";

import type { Subject } from "#access/policy.ts";
import { parseQuery } from "#pipeline/query-language.ts";
import type { MetricReader } from "#pipeline/store/port.ts";

import { checkMaySplit, checkSize, withinDeadline } from "./board-filter.ts";

const nowMs = Date.UTC(2026, 4, 17);
const subjectWith = (capability: "chart" | "view"): Subject => ({
  member: { id: "mem_1", name: "Ada", email: "ada@example.com", role: "member" },
  grants: [
    { memberId: "mem_1", capability: "chart", target: "board:home", expiresMs: null },
    { memberId: "mem_1", capability, target: "events:all", expiresMs: null },
  ],
  nowMs,
});

describe("a member who may see charts only", () => {
  const subject = subjectWith("chart");

  test.each([
    "source.ip:192.0.2.7",
    "password",
    "user.name:a*",
    "-url.path:/a",
    "status:500 ip:*",
    "status:404 OR NOT (route:/a AND ip:192.0.2.7)",
    "status:500 OR ip:*",
    "NOT (status:500 user:*)",
  ])("cannot learn values of single events by the filter %s", (query) => {
    expect(() => checkMaySplit(subject, parseQuery(query), undefined)).toThrow(/single events/);
  });

  test.each(["source.ip", "user.name", "url.path", "message", "event.original", "labels.any"])(
    "cannot break down by %s",
    (by) => {
      expect(() => checkMaySplit(subject, [], by)).toThrow(/single events/);
    },
  );

  test("can filter and break down by what every board shows", () => {
    const where = parseQuery("status:404 route:/a/* dataset:nginx.access instance:web-1");
    expect(() => checkMaySplit(subject, where, "http.response.status_code")).not.toThrow();
  });
});

test("a member who may see raw events can filter by any field", () => {
  const where = parseQuery("ip:192.0.2.7 some words");
  expect(() => checkMaySplit(subjectWith("view"), where, "user.name")).not.toThrow();
});

const HOUR_MS = 3_600_000;
const manyEvents: MetricReader = {
  extents: async () => [{ dataset: "nginx.access", rows: 5e7, fromMs: 0, toMs: 100 * HOUR_MS }],
  cells: async () => [
    { tMs: 0, dataset: "nginx.access", measure: "requests", key: "200", value: 5e7, sketches: [] },
  ],
  aggregate: () => Promise.reject(new Error("no event may be read")),
};

test("a range with too many events for a filter is refused before any is read, with a range that is not", async () => {
  const range = { fromMs: 0, toMs: 100 * HOUR_MS };
  const reading = { store: manyEvents, dataset: "nginx.access", range };
  const where = parseQuery("source.ip:192.0.2.7");
  await expect(checkSize(reading, where, undefined)).rejects.toThrow(/about 10 hours/);
  await expect(checkSize(reading, [], "user.name")).rejects.toThrow(/50,000,000 events/);
  await expect(checkSize(reading, [], undefined)).resolves.toBeUndefined();
});

test("a failure before the deadline is reported as it is", async () => {
  const { signal } = new AbortController();
  const failing = withinDeadline(signal, () => Promise.reject(new Error("as it is")));
  await expect(failing).rejects.toThrow("as it is");
});
