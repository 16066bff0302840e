import { expect, test } from "vitest";

import type { Extent } from "#pipeline/store/port.ts";

import { chooseDataset } from "./tier.ts";

const NOW_MS = Date.UTC(2026, 4, 17);
const extent = (dataset: string, { rows = 1, toMs = NOW_MS } = {}): Extent => ({
  dataset,
  rows,
  fromMs: 0,
  toMs,
});

const chosen = (extents: readonly Extent[], requested?: string): Extent | undefined =>
  chooseDataset(extents, { requested, nowMs: NOW_MS });

test("the outermost tier is shown, whatever the number of its events", () => {
  const all = ["apache.access", "nginx.access", "shop", "varnish.access", "haproxy.log"];
  const extents = all.map((dataset, index) => extent(dataset, { rows: 1000 - index }));
  while (extents.length > 0) {
    const order = ["haproxy.log", "varnish.access", "nginx.access", "apache.access", "shop"];
    const expected = order.find((name) => extents.some(({ dataset }) => dataset === name));
    expect(chosen(extents)?.dataset).toBe(expected);
    extents.splice(
      extents.findIndex(({ dataset }) => dataset === expected),
      1,
    );
  }
});

test("a tier with recent events is preferred to one without", () => {
  const stale = extent("haproxy.log", { toMs: NOW_MS - 3_600_000 });
  expect(chosen([stale, extent("nginx.access")])?.dataset).toBe("nginx.access");
});

test("error logs and the quarantine are shown only if requested or if there is nothing else", () => {
  const quarantine = extent("quarterdeck.quarantine", { rows: 99 });
  const extents = [extent("nginx.error"), quarantine, extent("shop", { toMs: 1 })];
  expect(chosen(extents)?.dataset).toBe("shop");
  expect(chosen(extents, "nginx.error")?.dataset).toBe("nginx.error");
  expect(chosen([quarantine])?.dataset).toBe("quarterdeck.quarantine");
});
