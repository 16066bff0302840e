import * as fc from "fast-check";
import { expect, test } from "vitest";

import { queryOf, splitTerms, term, withoutTerm, withTerm } from "./search-terms.ts";

test("a value with spaces or quotes is quoted", () => {
  expect(term("user_agent.original", 'a "b" \\c')).toBe(
    String.raw`user_agent.original:"a \"b\" \\c"`,
  );
  expect(term("http.response.status_code", 500)).toBe("http.response.status_code:500");
});

test("a filter added twice appears once, and replaces its opposite", () => {
  const once = withTerm("checkout", "method:POST");
  expect(withTerm(once, "method:POST")).toBe("checkout method:POST");
  expect(withTerm(once, "-method:POST")).toBe("checkout -method:POST");
  expect(withoutTerm(once, "method:POST")).toBe("checkout");
});

test("any value makes one term, which can be removed again", () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom("", "word", 'a:"b c"'), (value, query) => {
      const added = term("message", value);
      expect(splitTerms(added)).toEqual([added]);
      expect(withoutTerm(withTerm(query, added), added)).toBe(query);
    }),
  );
});

test("a pasted address means the requests of this client, and any other text is the query itself", () => {
  expect(queryOf(" 203.0.113.5 ")).toBe("ip:203.0.113.5");
  expect(queryOf("2001:db8::7")).toBe('ip:"2001:db8::7"');
  expect(queryOf("::1")).toBe('ip:"::1"');
  for (const text of ["status:404", "1.2.3", "10:05:03", "cafe", "203.0.113.5 status:404"]) {
    expect(queryOf(text)).toBe(text);
  }
});

test("a term is added beside alternatives as a whole", () => {
  const query = withTerm("status:404 OR (path:/a status:503)", "method:POST");
  expect(query).toBe("(status:404 OR (path:/a status:503)) method:POST");
  expect(withTerm(query, "level:error")).toBe(`${query} level:error`);
});

test("a query is split as the server reads it", () => {
  const terms = [
    "NOT a",
    '-path:"x y"',
    "status:(404 OR 503)",
    "bytes:[1 TO 20]",
    "fe80::1",
    "(a b)",
  ];
  expect(splitTerms(terms.join("  "))).toEqual(terms);
  expect(splitTerms("a AND b")).toEqual(["a", "b"]);
});
