import { expect, test } from "vitest";

import { storeWithEvents } from "../metrics/testing-times.ts";
import { parseQuery } from "../query-language.ts";
import { otherCases, otherCaseText } from "./value-case.ts";

const AT_MS = Date.UTC(2026, 4, 17, 10);
const range = { fromMs: AT_MS, toMs: AT_MS + 60_000 };
const store = await storeWithEvents([
  { tMs: AT_MS, "http.request.method": "GET", "log.level": "error", "user.name": "Ann" },
  { tMs: AT_MS + 1, "http.request.method": "POST", "user.name": "ann" },
  { tMs: AT_MS + 2, "http.request.method": "POST", "my.label": "Blue" },
]);

async function hints(query: string, isEmpty = true): Promise<string[]> {
  const found = await otherCases(parseQuery(query), { store, range, isEmpty });
  return found.map((it) => `${it.known} → ${it.query}`);
}

test("a value that occurs only in another case is named, with the query that finds it", async () => {
  expect(await hints("method:get level:error")).toEqual([
    "GET → http.request.method:GET log.level:error",
  ]);
  expect(await hints("my.label:blue")).toEqual(["Blue → my.label:Blue"]);
  const [found] = await otherCases(parseQuery("method:get"), { store, range, isEmpty: true });
  expect(found && otherCaseText(found)).toBe(
    'no event in this range has http.request.method "get": did you mean "GET"? Upper and lower case differ.',
  );
});

test("also where other terms match: in alternatives and after NOT", async () => {
  expect(await hints("method:get OR level:error", false)).toEqual([
    "GET → (http.request.method:GET OR log.level:error)",
  ]);
  expect(await hints("-method:get", false)).toEqual(["GET → -http.request.method:GET"]);
  expect(await hints("NOT (method:get level:error)", false)).toEqual([
    "GET → -(http.request.method:GET log.level:error)",
  ]);
});

test("nothing is said of values that occur as written, that occur in no case, and of patterns", async () => {
  for (const query of ["user:ann", "user:Ann", "method:PATCH", "method:g*t", "status:404", "get"]) {
    expect(await hints(query)).toEqual([]);
  }
});
