import * as fc from "fast-check";
import { expect, test } from "vitest";

import { splitTerms, term, withoutTerm, withTerm } from "./search-terms.ts";

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
