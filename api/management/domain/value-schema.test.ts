import * as fc from "fast-check";
import { expect, test } from "vitest";

import { type ValueSchema, checkValue, secretsOf } from "./value-schema.ts";

const cases: [ValueSchema, good: unknown[], bad: unknown[]][] = [
  [{ type: "string", minLength: 1, maxLength: 3 }, ["a", "abc"], ["", "abcd", 1, null]],
  [{ type: "integer", minimum: 0, maximum: 9 }, [0, 9], [-1, 10, 1.5, "1", Number.NaN]],
  [{ type: "number" }, [0.1, -1e300], [Infinity, "1"]],
  [{ type: "boolean" }, [true, false], [0, "true"]],
  [{ type: "enum", values: ["a", "b"] }, ["a"], ["c", 1, ["a"]]],
  [
    { type: "duration", minimumMs: 1_000, maximumMs: 60_000 },
    ["1s", "1m", "1000ms"],
    ["999ms", "2m", "1", 5],
  ],
  [{ type: "url" }, ["https://a.test/x"], ["ftp://a.test", "a", "https://u:p@a.test"]],
  [{ type: "secret" }, ["secret://db"], ["db", "secret://", "hunter2"]],
  [
    { type: "list", items: { type: "boolean" }, maxItems: 2 },
    [[], [true]],
    [[1], [true, true, true], {}],
  ],
  [
    { type: "object", properties: { a: { type: "boolean" } }, required: ["a"] },
    [{ a: true }],
    [{}, { a: 1 }, { a: true, b: 1 }, { a: true, constructor: 1 }, []],
  ],
];

test.each(cases)("the schema %j accepts exactly the valid values", (schema, good, bad) => {
  for (const value of good) expect(checkValue(schema, value)).toEqual([]);
  for (const value of bad) expect(checkValue(schema, value)).not.toEqual([]);
});

test("a mistake has its path in the value", () => {
  const schema: ValueSchema = {
    type: "object",
    properties: { hosts: { type: "list", items: { type: "url" } } },
  };
  expect(checkValue(schema, { hosts: ["https://a.test", "b"] })[0]?.path).toBe("hosts.1");
});

test("the check never throws", () => {
  fc.assert(
    fc.property(fc.anything(), fc.constantFrom(...cases), (value, [schema]) => {
      expect(Array.isArray(checkValue(schema, value))).toBe(true);
      expect(Array.isArray(secretsOf(schema, value))).toBe(true);
    }),
  );
});
