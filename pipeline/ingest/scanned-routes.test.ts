import { expect, test } from "vitest";

import { LiveWindow } from "../live/live-window.ts";
import { warmLiveWindow } from "../live/warm-live-window.ts";
import { runQuery } from "../metrics/run-query.ts";
import { OTHER } from "../sketches/heavy-hitters.ts";
import { ingested } from "./testing-ingested.ts";

const NOW_MS = Date.UTC(2026, 2, 14, 10, 11, 14);
const HOUR_MS = 3_600_000;
const SCANNED = 5000;
const REQUESTS = 15_000;
const clock = { nowMs: () => NOW_MS };
const SOURCE = { path: "/var/log/nginx/access.log", clock };

const line = (path: string, status: number): string =>
  `203.0.113.9 - - [14/Mar/2026:10:11:12 +0000] "GET ${path} HTTP/1.1" ${status} 5 "-" "Probe/1.0"\n`;

/** A word of letters only, because numbers would be identifiers of one route. */
const word = (n: number): string =>
  n.toString(26).replaceAll(/\d/g, (digit) => "qrstuvwxyz".charAt(Number(digit)));

/** A request of each route. */
function jsonLog(routes: readonly string[]): string {
  const lines = routes.map((route) =>
    JSON.stringify({
      "@timestamp": new Date(NOW_MS - 2000).toISOString(),
      "data_stream.dataset": "shop",
      "http.route": route,
      "http.response.status_code": 200,
      "event.duration": 1_000_000,
    }),
  );
  return `${lines.join("\n")}\n`;
}

const scans = Array.from({ length: SCANNED }, (_, n) => line(`/${word(n)}zz/login.php`, 404));

test("after 5,000 scanned paths, the route with 15,000 requests leads the live list and that of the day", async () => {
  const { store, live } = await ingested(
    scans.join("") + line("/cart", 200).repeat(REQUESTS),
    SOURCE,
  );
  const frame = live.frame("nginx.access");
  expect(frame.topRoutes[0]?.route).toBe("/cart");
  expect(frame.topRoutes[0]?.requests).toBeGreaterThanOrEqual(
    REQUESTS - frame.topRoutesShortfallMax,
  );
  expect(frame.topRoutesShortfallMax).toBeLessThanOrEqual((SCANNED + REQUESTS) / 2049);
  const day = { fromMs: NOW_MS - 20 * HOUR_MS, toMs: NOW_MS + 4 * HOUR_MS, where: [] };
  const by = { field: "http.route", limit: 10 };
  const list = await runQuery(store, { metric: "requests", ...day, by });
  expect(list.from).toBe("rollup");
  expect(list.series[0]).toMatchObject({ key: "/cart", value: REQUESTS });
  const all = await runQuery(store, { metric: "requests", ...day });
  expect(all.series[0]?.value).toBe(SCANNED + REQUESTS);
  const other = list.series.find(({ key }) => key === OTHER)?.value ?? 0;
  expect(list.shortfallMax).toBe(Math.floor(other / 4097));
});

test("after a restart the route leads the live list too", async () => {
  const routes = Array.from({ length: SCANNED }, (_, n) => `/${word(n)}zz`);
  const requests = Array.from({ length: 3000 }, () => "/cart");
  const { store } = await ingested(jsonLog([...routes, ...requests]), SOURCE);
  const restarted = new LiveWindow(clock);
  await warmLiveWindow(restarted, store, NOW_MS);
  const { topRoutes, topRoutesShortfallMax } = restarted.frame("shop");
  expect(topRoutes[0]).toMatchObject({ route: "/cart", requests: 3000 - topRoutesShortfallMax });
  expect(topRoutesShortfallMax).toBe(1);
});

test("hostile names of routes are shortened, and do not hide others", async () => {
  const names = [
    "x".repeat(1_000_000),
    `${"x".repeat(999_999)}y`,
    "\u202egnp.exe",
    "a\u0000b",
    "\ud800 half",
    OTHER,
  ];
  const { store, live } = await ingested(jsonLog(names), SOURCE);
  const { topRoutes } = live.frame("shop");
  expect(topRoutes).toHaveLength(names.length - 1);
  expect(new Set(topRoutes.map(({ route }) => route)).size).toBe(names.length - 1);
  expect(JSON.stringify(topRoutes).length).toBeLessThan(2000);
  const cells = await store.cells({ fromMs: 0, toMs: 4e12, levelS: 3600, measures: ["route"] });
  expect(cells).toHaveLength(names.length);
  for (const { key } of cells) expect(Buffer.byteLength(key)).toBeLessThanOrEqual(516);
});
