import { expect, onTestFinished, test } from "vitest";

import { ingested } from "#pipeline/ingest/testing-ingested.ts";
import { runQuery } from "#pipeline/metrics/run-query.ts";

import { boardOf } from "./testing-board.ts";

const NOW_MS = Date.UTC(2026, 2, 14, 10, 11, 30);
const MINUTE_MS = 60_000;
const HEAD = "2026-03-14T10:11:12Z edge-1 haproxy[44]: ";
const PEER = "192.0.2.7:48548 [14/Mar/2026:10:11:12.165]";
const COUNTS = "4/2/1/1/0 0/0";
const LINES = [
  `${PEER} web~ app/s1 0/0/1/593/595 404 9085 - - ---- ${COUNTS} "GET /health/ HTTP/1.1"`,
  `${PEER} web~ app/<NOSRV> -1/-1/-1/-1/595 -1 0 - - CR-- ${COUNTS} "<BADREQ>"`,
  `${PEER} db db/s1 1/0/30 212 SD ${COUNTS}`,
  `${PEER} web/1: SSL handshake failure`,
  "Connect from 192.0.2.7:48548 to 192.0.2.9:443 (web/HTTP)",
  "[WARNING] 072/101112 (5116) : Exiting Master process...",
  "[NOTICE]   (7) : haproxy version is 2.8.5-1",
  "Server app/s1 is DOWN, reason: Layer4 timeout",
];

test("HAProxy's connections and own messages are no requests on the board, in live frames, rollups and queries of events", async () => {
  const clock = { nowMs: () => NOW_MS };
  const log = LINES.map((line) => `${HEAD}${line}\n`).join("");
  const { store, live } = await ingested(log, { path: "/var/log/haproxy.log", clock });
  onTestFinished(() => store[Symbol.asyncDispose]());
  const range = { fromMs: NOW_MS - 60 * MINUTE_MS, toMs: NOW_MS, live: false };
  const board = await boardOf(store, NOW_MS, { range });
  expect(board).toMatchObject({ dataset: "haproxy.log", values: { requests: 2 } });
  const { seconds } = live.frame("haproxy.log");
  expect(seconds.reduce((sum, { requests = 0 }) => sum + requests, 0)).toBe(2);
  const hour = { fromMs: NOW_MS - 60 * MINUTE_MS, toMs: NOW_MS + MINUTE_MS };
  for (const where of [[], [{ field: "host.name", op: "eq", value: "edge-1" } as const]]) {
    const values = await Promise.all(
      ["requests", "events"].map((metric) => runQuery(store, { metric, ...hour, where })),
    );
    expect(values.map(({ series }) => series[0]?.value)).toEqual([2, 6]);
  }
});
