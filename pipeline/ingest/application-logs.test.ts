import { expect, test } from "vitest";

import { systemClock } from "#platform/clock.ts";

import type { EventStore } from "../store/port.ts";
import { ingested } from "./testing-ingested.ts";

const time = (i: number): string => `2026-03-14T10:11:${String(i % 60).padStart(2, "0")}.000Z`;
const application = (i: number): string =>
  JSON.stringify({ level: 30, time: time(i), pid: 7, hostname: "web-1", msg: `saved ${i}` });
const access = (i: number): string =>
  JSON.stringify({
    time_iso8601: time(i),
    remote_addr: "203.0.113.9",
    request_method: "GET",
    request_uri: `/${i}`,
    status: "200",
  });
const combined = (i: number): string =>
  `203.0.113.9 - - [14/Mar/2026:10:11:${String(i % 60).padStart(2, "0")} +0000] "GET /${i} HTTP/1.1" 200 5 "-" "Probe/1.0"`;
const many = (count: number, line: (i: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => line(i));

async function counts(lines: readonly string[]): Promise<Record<string, number>> {
  const log = lines.map((line) => `${line}\n`).join("");
  const { store } = await ingested(log, { path: "/srv/app.log", clock: systemClock });
  return rowsOf(store);
}

async function rowsOf(store: EventStore): Promise<Record<string, number>> {
  return Object.fromEntries((await store.extents()).map(({ dataset, rows }) => [dataset, rows]));
}

test("access lines in the log of an application are those of the server that wrote them", async () => {
  const lines = many(300, (i) =>
    i % 3 === 1 ? access(i) : i % 3 === 2 ? combined(i) : application(i),
  );
  expect(await counts([...many(50, application), ...lines])).toEqual({
    "app.json": 150,
    "nginx.access": 200,
  });
});

test("lines of an application in an access log are not access lines", async () => {
  const lines = many(300, (i) => (i % 3 === 0 ? application(i) : access(i)));
  expect(await counts(lines)).toEqual({ "app.json": 100, "nginx.access": 200 });
});
