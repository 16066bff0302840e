import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";

import type { SourceId } from "#collectors/source.ts";
import { systemClock } from "#platform/clock.ts";

import { batchOf, positionsAt } from "./contract.ts";
import { openEmbeddedStore } from "./embedded-store.ts";
import type { EventStore, SearchRequest } from "./port.ts";

const T0 = Date.UTC(2026, 10, 23, 10);
const RANGE = { fromMs: T0 + 3000, toMs: T0 + 57_000 };

const anyEvent = fc.record({
  second: fc.integer({ min: 0, max: 60 }),
  source: fc.constantFrom<SourceId>("src_a", "src_b"),
  isError: fc.boolean(),
});

/** All pages of a search, in order. */
async function readPages(store: EventStore, request: SearchRequest): Promise<string[]> {
  const ids: string[] = [];
  let after: SearchRequest["after"];
  for (;;) {
    const page = await store.search(after ? { ...request, after } : request);
    ids.push(...page.map(({ id }) => id));
    const last = page.at(-1);
    if (!last) return ids;
    after = { tMs: Date.parse(String(last.fields["@timestamp"])), id: last.id };
  }
}

test(
  "pages from the newest on have each event once and in order, however the files overlap in time",
  { timeout: 120_000 },
  async () => {
    const files = fc.array(fc.array(anyEvent, { minLength: 1, maxLength: 6 }), {
      minLength: 1,
      maxLength: 24,
    });
    await fc.assert(
      fc.asyncProperty(files, fc.integer({ min: 3, max: 40 }), async (given, limit) => {
        const folder = await mkdtemp(join(tmpdir(), "quarterdeck-newest-"));
        onTestFinished(() => rm(folder, { recursive: true, force: true }));
        await using store = await openEmbeddedStore({ folder, clock: systemClock });
        const expected: { tMs: number; source: string; offset: number }[] = [];
        let offset = 0;
        for (const events of given) {
          const documents = events.map(({ second, source, isError }) => {
            const tMs = T0 + second * 1000;
            const status = isError ? 500 : 200;
            offset += 1;
            if (isError && tMs >= RANGE.fromMs && tMs < RANGE.toMs) {
              expected.push({ tMs, source, offset });
            }
            return {
              "@timestamp": tMs,
              "log.source.id": source,
              "log.offset": offset,
              "http.response.status_code": status,
            };
          });
          await store.append(batchOf(documents), [], positionsAt(offset));
        }
        expected.sort(
          (a, b) => b.tMs - a.tMs || b.source.localeCompare(a.source) || b.offset - a.offset,
        );
        const where = [{ field: "http.response.status_code", op: "eq", value: 500 }] as const;
        const ids = await readPages(store, { ...RANGE, where, limit });
        expect(ids).toEqual(expected.map(({ source, offset: at }) => `${source}:${at}`));
      }),
      { numRuns: 8 },
    );
  },
);
