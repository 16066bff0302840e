import {
  array,
  assert,
  constantFrom,
  double,
  integer,
  oneof,
  property,
  record,
  string,
} from "fast-check";
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
    "(a)",
    "a)",
    "[1 TO 2]",
    "AND",
    "NOT",
    "203.0.113.0/24",
    "fe80::1",
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
const whole = integer({ min: -1_000_000, max: 1_000_000 });
const condition = oneof(
  record({ field, op: constantFrom("eq" as const, "ne" as const), value: text }),
  record({ field: numberField, op: constantFrom("eq" as const, "ne" as const), value: whole }),
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
    [
      "-status>=500",
      [{ op: "not", of: [{ field: "http.response.status_code", op: "gte", value: 500 }] }],
    ],
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
    ["ok --debug", "column 4: put a text with two minus signs in quotes"],
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

  test("a field and its value that look like an address together are formatted with quotes", () => {
    const filter = [{ field: "A", op: "eq", value: "fe80::1" }] as const;
    expect(formatFilter(filter)).toBe('A:"fe80::1"');
    expect(parseQuery(formatFilter(filter))).toEqual(filter);
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

describe("operators, groups, networks and ranges", () => {
  const status = (value: number): Condition => ({
    field: "http.response.status_code",
    op: "eq",
    value,
  });
  const get: Condition = { field: "http.request.method", op: "eq", value: "GET" };
  const word = (value: string): Condition => ({ field: "*", op: "contains", value });
  const day = Date.UTC(2026, 2, 14);

  test.each<[string, Condition[]]>([
    ["status:500 OR status:502", [{ op: "or", of: [[status(500)], [status(502)]] }]],
    ["status:500 AND method:GET", [status(500), get]],
    ["NOT status:200", [{ field: "http.response.status_code", op: "ne", value: 200 }]],
    ["NOT (a b)", [{ op: "not", of: [word("a"), word("b")] }]],
    ["-debug", [{ op: "not", of: [word("debug")] }]],
    ['-"out of memory"', [{ op: "not", of: [word("out of memory")] }]],
    // AND binds tighter than OR.
    ["a OR b c", [{ op: "or", of: [[word("a")], [word("b"), word("c")]] }]],
    ["(a OR b) c", [{ op: "or", of: [[word("a")], [word("b")]] }, word("c")]],
    ["status:(500 OR 502)", [{ op: "or", of: [[status(500)], [status(502)]] }]],
    [
      "bytes:(>=10 AND <20)",
      [
        { field: "http.response.body.bytes", op: "gte", value: 10 },
        { field: "http.response.body.bytes", op: "lt", value: 20 },
      ],
    ],
    ["ip:203.0.113.0/24", [{ field: "source.ip", op: "cidr", value: "203.0.113.0/24" }]],
    ["related.ip:2001:db8::/32", [{ field: "related.ip", op: "cidr", value: "2001:db8::/32" }]],
    ["path:1.2.3.0/24", [{ field: "url.path", op: "eq", value: "1.2.3.0/24" }]],
    [
      "status:[400 TO 499]",
      [
        { field: "http.response.status_code", op: "gte", value: 400 },
        { field: "http.response.status_code", op: "lte", value: 499 },
      ],
    ],
    [
      "status:400..499",
      [
        { field: "http.response.status_code", op: "gte", value: 400 },
        { field: "http.response.status_code", op: "lte", value: 499 },
      ],
    ],
    ["status:{400 TO *}", [{ field: "http.response.status_code", op: "gt", value: 400 }]],
    [
      "@timestamp:2026-03-14",
      [
        { field: "@timestamp", op: "gte", value: day },
        { field: "@timestamp", op: "lt", value: day + 86_400_000 },
      ],
    ],
    [
      "@timestamp:[2026-03-14 TO 2026-03-14T10:11+02:00]",
      [
        { field: "@timestamp", op: "gte", value: day },
        { field: "@timestamp", op: "lt", value: day + (8 * 60 + 12) * 60_000 },
      ],
    ],
    // These searched for words before there were operators.
    ["and or not", [word("and"), word("or"), word("not")]],
    ["2001:db8::9", [word("2001:db8::9")]],
    ["fe80::1", [word("fe80::1")]],
    ["f(x)", [word("f(x)")]],
    ['"AND"', [word("AND")]],
    ["path:/a(b)", [{ field: "url.path", op: "eq", value: "/a(b)" }]],
  ])("%s", (query, expected) => {
    expect(parseQuery(query)).toEqual(expected);
  });

  test.each([
    ["(status:500", "column 1: the parenthesis that opens here is not closed"],
    ["status:500)", "column 11: this ) closes nothing"],
    ["()", "column 2: a term is missing"],
    ["a OR", "column 5: a term is missing at the end"],
    ["AND a", 'column 1: a term is missing before AND; to search for the word, write "AND"'],
    ["a OR OR b", "column 6: a term is missing before OR"],
    ["NOT", "column 4: a term is missing"],
    ["status:20.5", "column 8: http.response.status_code has whole numbers"],
    ["status:abc*", "column 8: http.response.status_code is a number"],
    ["status:[400 TO many]", "column 16: http.response.status_code is compared with a number"],
    ["ip:localhost", 'column 4: source.ip is an IP address: "localhost" cannot match'],
    ["ip:203.0.113.0/33", "column 4: source.ip is an IP address"],
    ["@timestamp:yesterday", "column 12: @timestamp is a time"],
    ["@timestamp>2026-02-30", "column 12: @timestamp is a time"],
    ["@timestamp:2026*", "column 12: @timestamp is a time, without wildcards"],
    ["event.category>5", "column 16: event.category cannot be compared by size"],
  ])("a mistake is reported with its column: %s", (query, expected) => {
    expect(messageOf(query)).toContain(expected);
  });

  test.each([
    ["deep parentheses", "(".repeat(3000)],
    ["deep negations", "NOT ".repeat(900)],
    ["many minus signs", "-(".repeat(1900)],
    ["a megabyte", "a".repeat(1024 * 1024)],
    ["10,000 terms", Array.from({ length: 10_000 }, (_, i) => `a${i}`).join(" OR ")],
    ["1,000 values", `status:(${"1 OR ".repeat(700)}1)`],
    ["an address that does not end", ":".repeat(3999)],
    ["a range that does not end", `bytes:[${" ".repeat(3900)}`],
  ])("hostile input is refused at once, with a column: %s", (_, query) => {
    expect(messageOf(query)).toMatch(/^no error$|^column \d+: .{10,200}$/);
  });
});
