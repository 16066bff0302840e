import { array, assert, constantFrom, oneof, property, string, uniqueArray } from "fast-check";
import { describe, expect, test } from "vitest";

import { parseQuery } from "#pipeline/query-language.ts";

import { excludeValue, selectedValues, toggleValue } from "./facet-selection.ts";

const STATUS = "http.response.status_code";

describe("values that are selected in a facet", () => {
  test("of one field are alternatives, of several fields must all match", () => {
    const one = toggleValue("", STATUS, "404");
    expect(one).toBe("http.response.status_code:404");
    const two = toggleValue(one, STATUS, "503");
    expect(two).toBe("http.response.status_code:(404 OR 503)");
    const both = toggleValue(two, "http.request.method", "GET");
    expect(both).toBe("http.response.status_code:(404 OR 503) http.request.method:GET");
    expect(selectedValues(both, STATUS)).toEqual(["404", "503"]);
    const without = toggleValue(both, STATUS, "404");
    expect(without).toBe("http.response.status_code:503 http.request.method:GET");
    expect(toggleValue(without, STATUS, "503")).toBe("http.request.method:GET");
  });

  test("are those of the query, however it names the field", () => {
    const query = 'status:404 "http.request.method":(GET OR "POST")';
    expect(selectedValues(query, STATUS)).toEqual(["404"]);
    expect(selectedValues(query, "http.request.method")).toEqual(["GET", "POST"]);
    expect(toggleValue(query, STATUS, "503")).toBe(
      'status:(404 OR 503) "http.request.method":(GET OR "POST")',
    );
  });

  test.each([
    "status:5xx",
    "status>=500",
    "status:[400 TO 499]",
    "status:400..499",
    "-status:404",
    "NOT status:404",
    "status:4*",
    "status:(404 AND 503)",
    "status:(-404 OR 503)",
    "status:(404 OR >500)",
    "(status:404)",
    'status:"404',
  ])("are only exact values that must match: none in %s", (query) => {
    expect(selectedValues(query, STATUS)).toEqual([]);
  });

  test("must match beside every alternative of the query", () => {
    const query = toggleValue("level:error OR timeout", STATUS, "404");
    expect(query).toBe("(level:error OR timeout) http.response.status_code:404");
  });

  test("are no longer excluded, and excluded ones are no longer selected", () => {
    const excluded = excludeValue("status:(404 OR 503)", STATUS, "404");
    expect(excluded).toBe("status:503 -http.response.status_code:404");
    expect(toggleValue(excluded, STATUS, "404")).toBe("status:(503 OR 404)");
  });

  const value = oneof(
    string({ minLength: 1, maxLength: 8 }),
    constantFrom("OR", "NOT", "a b", "5xx", "*", '"', "\\", "a)", "(", "-x", "//x", ":", "1..2"),
    constantFrom("10.0.0.0/8", "/0", "fe80::1", ">=5", "[1 TO 2]"),
  );
  const query = array(
    constantFrom("timeout", '"out of memory"', "-level:error", "bytes:[1 TO 20]", "NOT path:/a*"),
  ).map((terms) => terms.join(" "));
  const field = constantFrom("url.path", "source.address", "user_agent.original");

  test("any value can be selected beside others and removed again, and nothing else changes", () => {
    assert(
      property(query, field, uniqueArray(value, { minLength: 1, maxLength: 4 }), (...given) => {
        const [before, name, values] = given;
        let after = before;
        for (const it of values) after = toggleValue(after, name, it);
        const wanted = values.map((it) => [{ field: name, op: "eq", value: it }]);
        const selection = wanted.length === 1 ? wanted.flat() : [{ op: "or", of: wanted }];
        expect(parseQuery(after)).toEqual([...parseQuery(before), ...selection]);
        expect(selectedValues(after, name)).toEqual(values);
        for (const it of values) after = toggleValue(after, name, it);
        expect(parseQuery(after)).toEqual(parseQuery(before));
      }),
      { numRuns: 500 },
    );
  });
});
