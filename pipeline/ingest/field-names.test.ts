import { expect, test } from "vitest";

import { parseQuery } from "../query-language.ts";
import { ingested } from "./testing-ingested.ts";

const NOW_MS = Date.UTC(2026, 2, 14, 10, 11, 14);
const NAMES = 5_000;
const clock = { nowMs: () => NOW_MS };

const line = (n: number): string =>
  JSON.stringify({
    "@timestamp": new Date(NOW_MS - 2000).toISOString(),
    "data_stream.dataset": "shop.app",
    [`labels.name${n}`]: `value ${n}`,
    [`custom.number${n}`]: n,
  });

test("5,000 names of fields need no columns, and each field can be searched", async () => {
  const log = Array.from({ length: NAMES }, (_, n) => line(n)).join("\n");
  const { store } = await ingested(`${log}\n`, { path: "/srv/app.log", clock });
  const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 10 };
  for (const n of [0, 2_500, NAMES - 1]) {
    for (const query of [`labels.name${n}:"value ${n}"`, `custom.number${n}:${n}`]) {
      const found = await store.search({ ...all, where: parseQuery(query) });
      expect(found.map(({ fields }) => fields[`custom.number${n}`])).toEqual([n]);
    }
  }
});
