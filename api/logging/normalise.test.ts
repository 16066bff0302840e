import * as fc from "fast-check";
import { expect, test } from "vitest";

import { Batch, isField } from "#collectors/batch.ts";
import { toDocument } from "#collectors/document.ts";
import { ecs } from "#collectors/formats/ecs.ts";
import { UTC } from "#collectors/zone.ts";
import { covers } from "#pipeline/dataset-names.ts";

import { createNormaliser } from "./domain/normalise.ts";

const NOW_MS = Date.UTC(2026, 10, 24);
const name = fc.oneof(
  fc.constantFrom("message", "event.category", "http.response.status_code", "a.b", "tags", "url"),
  fc.string({ maxLength: 6 }),
);
/** Integers beyond the safe range are kept as text (collectors/formats/json-line.ts). */
const value = fc.jsonValue({ maxDepth: 4 }).filter((it) => !/\d{16}|\de/i.test(JSON.stringify(it)));

test("accepted documents are stored as intended: no field is lost, and none is quarantined", () => {
  const normalise = createNormaliser();
  let accepted = 0;
  fc.assert(
    fc.property(fc.dictionary(name, value, { maxKeys: 8 }), (fields) => {
      const document = { ...fields, "data_stream.dataset": "shop.a" };
      const verdict = normalise(document, {
        nowMs: NOW_MS,
        scope: ["shop.*"],
        datasets: { admits: () => true, add: () => undefined },
      });
      if (!verdict.ok) {
        expect(verdict.refusal.message).not.toBe("");
        return;
      }
      accepted += 1;
      expect(verdict.line).not.toContain("\n");
      const line = Buffer.from(verdict.line);
      const batch = new Batch(1);
      const later = { zone: UTC, nowMs: NOW_MS + 60_000 };
      expect(ecs.open(batch, later)(line, 0, line.length)).toBeUndefined();
      batch.commit();
      const kept = toDocument(batch, 0);
      expect(kept["data_stream.dataset"]).toBe("shop.a");
      for (const [field, plain] of Object.entries<unknown>(JSON.parse(verdict.line))) {
        if (!isField(field) && field !== "fields_json") {
          expect([field, kept[field]]).toEqual([field, plain]);
        }
      }
    }),
    { numRuns: 500 },
  );
  expect(accepted).toBeGreaterThan(100);
});

test("a pattern matches what its stars cover, and nothing else", () => {
  expect(covers("all", "x")).toBe(true);
  expect(covers([], "x")).toBe(false);
  expect(covers(["shop.*"], "shop.web")).toBe(true);
  expect(covers(["shop.*"], "shop")).toBe(false);
  expect(covers(["shop.*"], "my.shop.web")).toBe(false);
  expect(covers(["*.access"], "shop.access")).toBe(true);
  expect(covers(["a*a"], "a")).toBe(false);
  expect(covers(["a.*.b", "c"], "a.x.y.b")).toBe(true);
});
