import * as fc from "fast-check";
import { expect, test } from "vitest";

import { parseQuery } from "../query-language.ts";
import { batchOf, positionsAt, T0 } from "../store/contract.ts";
import { openMemoryStore } from "../store/memory-store.ts";
import { fragmentOf, suggestionsFor } from "./completion.ts";

const range = { fromMs: T0, toMs: T0 + 3_600_000 };
const store = openMemoryStore()();
await store.append(
  batchOf([
    { "url.path": "/cart", "http.response.status_code": 500 },
    { "url.path": "/cart", "http.response.status_code": 502 },
    { "url.path": "/car park", "http.response.status_code": 200, fields_json: '{"shop.id":"7"}' },
  ]),
  [],
  positionsAt(3),
);

async function textsFor(query: string): Promise<string[]> {
  const { from, options } = await suggestionsFor(query, range, store);
  return options.map(({ text }) => query.slice(0, from) + text);
}

test("names of fields are completed, short ones and those of events too", async () => {
  expect(await textsFor("GET stat")).toContain("GET status:");
  expect(await textsFor("GET stat")).toContain("GET http.response.status_code:");
  expect(await textsFor("(a OR -met")).toContain("(a OR -method:");
  expect(await textsFor("sho")).toContain("shop.id:");
});

test("values are completed with those of the events, the most frequent first, quoted if necessary", async () => {
  expect(await textsFor("GET path:/c")).toEqual(["GET path:/cart", 'GET path:"/car park"']);
  expect(await textsFor('path:"/car p')).toEqual(['path:"/car park"']);
  expect(await textsFor("status:5")).toEqual(["status:500", "status:502"]);
  expect(await textsFor("-path:")).toEqual(["-path:/cart", '-path:"/car park"']);
});

test.each(['"out of mem', "", "status>", "@timestamp:20", "status:5*"])(
  "nothing is completed in phrases, comparisons and patterns: %s",
  async (query) => {
    expect(await textsFor(query)).toEqual([]);
  },
);

test("a completed value is a valid query, whatever was written before", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (text) => {
      const fragment = fragmentOf(text);
      if (fragment) expect(fragment.from).toBeLessThanOrEqual(text.length);
    }),
  );
  expect(parseQuery('path:"/car park"')).toHaveLength(1);
});
