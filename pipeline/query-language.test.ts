import { array, assert, constantFrom, double, oneof, property, record, string } from "fast-check";
import { describe, expect, test } from "vitest";

import { AppError } from "#platform/errors.ts";

import type { Condition } from "./filter.ts";
import { formatFilter, parseQuery, resolveField } from "./query-language.ts";

const text = oneof(
  string({ minLength: 1, maxLength: 12 }),
  constantFrom(
    "/api/*",
    'a "b" c',
    "\\",
    "5xx",
    "-x",
    "a:b",
    "http://x/y",
    "*",
    ">=5",
    " ",
    "ä\n\u0000",
  ),
);
const field = oneof(
  constantFrom(
    "url.path",
    "http.route",
    "user_agent.original",
    "my.label",
    "path",
    "odd name",
    '"',
    "a:b",
  ),
  string({ minLength: 1, maxLength: 8 }),
);
const number = double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const numberField = constantFrom("http.response.status_code", "event.duration", "@timestamp");
const condition = oneof(
  record({ field, op: constantFrom("eq" as const, "ne" as const), value: text }),
  record({ field: numberField, op: constantFrom("eq" as const, "ne" as const), value: number }),
  record({
    field: oneof(field, numberField),
    op: constantFrom("gt" as const, "gte" as const, "lt" as const, "lte" as const),
    value: number,
  }),
  record({ field, op: constantFrom("like" as const, "not_like" as const), value: text }),
  record({ field, op: constantFrom("exists" as const, "missing" as const) }),
  record({ field: constantFrom("*" as const), op: constantFrom("contains" as const), value: text }),
);

function messageOf(query: string): string {
  try {
    parseQuery(query);
  } catch (error) {
    if (error instanceof AppError) return error.message;
    throw error;
  }
  return "no error";
}

describe("query language", () => {
  test.each<[string, Condition[]]>([
    ["", []],
    [
      "status:500 method:POST",
      [
        { field: "http.response.status_code", op: "eq", value: 500 },
        { field: "http.request.method", op: "eq", value: "POST" },
      ],
    ],
    [
      "http.response.status_code>=500",
      [{ field: "http.response.status_code", op: "gte", value: 500 }],
    ],
    ["status:>=500", [{ field: "http.response.status_code", op: "gte", value: 500 }]],
    ["-status>=500", [{ field: "http.response.status_code", op: "lt", value: 500 }]],
    ["status!=404", [{ field: "http.response.status_code", op: "ne", value: 404 }]],
    ["status:5xx", [{ field: "http.response.status_code", op: "like", value: "5*" }]],
    ["-dataset:nginx.error", [{ field: "data_stream.dataset", op: "ne", value: "nginx.error" }]],
    ["route:/api/*", [{ field: "http.route", op: "like", value: "/api/*" }]],
    ['route:"/api/*"', [{ field: "http.route", op: "eq", value: "/api/*" }]],
    ["user:*", [{ field: "user.name", op: "exists" }]],
    ["-user:*", [{ field: "user.name", op: "missing" }]],
    ['agent:"a \\"b\\" c"', [{ field: "user_agent.original", op: "eq", value: 'a "b" c' }]],
    [
      'timeout "out of memory"',
      [
        { field: "*", op: "contains", value: "timeout" },
        { field: "*", op: "contains", value: "out of memory" },
      ],
    ],
    [
      "https://shop.example/cart",
      [{ field: "*", op: "contains", value: "https://shop.example/cart" }],
    ],
    ["10:30", [{ field: "*", op: "contains", value: "10:30" }]],
    ["custom.label:x", [{ field: "custom.label", op: "eq", value: "x" }]],
    [
      "@timestamp>=2026-05-17T10:00:00Z",
      [{ field: "@timestamp", op: "gte", value: Date.UTC(2026, 4, 17, 10) }],
    ],
  ])("%s", (query, expected) => {
    expect(parseQuery(query)).toEqual(expected);
  });

  test.each([
    ["level:error status:abc", "column 20:"],
    ['path:"/a', "column 6: the quote"],
    ["status:", "column 8:"],
    ["bytes>many", "column 7:"],
    ["ok -debug", "column 4: words cannot be excluded"],
    ["a -", "column 3:"],
    ["x ".repeat(60), "at most 50 terms"],
    ["x".repeat(5000), "longer than 4000"],
  ])("a mistake is reported with its column: %s", (query, expected) => {
    expect(messageOf(query)).toContain(expected);
  });

  test("a filter formatted as a query is parsed to the same filter", () => {
    assert(
      property(array(condition, { maxLength: 6 }), (filter) => {
        expect(parseQuery(formatFilter(filter))).toEqual(filter);
      }),
      { numRuns: 1000 },
    );
  });

  test("any text is parsed, or rejected with a reason", () => {
    assert(
      property(string({ unit: "binary", maxLength: 60 }), (query) => {
        expect(messageOf(query)).toMatch(/^no error$|^column \d+: /);
      }),
      { numRuns: 1000 },
    );
  });

  test("names that are not an alias are unchanged", () => {
    expect(resolveField("status")).toBe("http.response.status_code");
    expect(resolveField("constructor")).toBe("constructor");
  });
});
