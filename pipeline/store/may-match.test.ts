import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { Condition } from "../filter.ts";
import { FULL_TEXT_FIELDS, matches } from "../matches.ts";
import { mayMatch, seeksText } from "./may-match.ts";

const WORD = fc.constantFrom("alpha", "beta", "gamma delta", "Al", "", "x*y");
const FIELD = fc.constantFrom(...FULL_TEXT_FIELDS, "source.address");
const LEAF: fc.Arbitrary<Condition> = fc.oneof(
  WORD.map((value): Condition => ({ field: "*", op: "contains", value })),
  fc
    .tuple(FIELD, fc.constantFrom("eq" as const, "ne" as const), WORD)
    .map(([field, op, value]): Condition => ({ field, op, value })),
  fc
    .tuple(FIELD, fc.constantFrom("like" as const, "not_like" as const), WORD)
    .map(([field, op, value]): Condition => ({ field, op, value: `*${value}*` })),
  FIELD.map((field): Condition => ({ field, op: "exists" })),
);
const { condition: CONDITION } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3 },
    LEAF,
    fc
      .array(fc.array(tie("condition"), { maxLength: 2 }), { maxLength: 3 })
      .map((of): Condition => ({ op: "or", of })),
    fc.array(tie("condition"), { maxLength: 2 }).map((of): Condition => ({ op: "not", of })),
  ),
}));

test("segments with matching events are never skipped, whatever the filter", () => {
  const event = fc.dictionary(FIELD, WORD);
  fc.assert(
    fc.property(
      fc.array(event, { minLength: 1, maxLength: 4 }),
      fc.array(CONDITION, { maxLength: 3 }),
      (events, where) => {
        const texts = events.flatMap((fields) =>
          FULL_TEXT_FIELDS.map((field) => (fields[field] ?? "").toLowerCase()),
        );
        const mayContain = (text: string): boolean =>
          texts.some((one) => one.includes(text.toLowerCase()));
        if (events.some((fields) => matches(fields, where))) {
          expect(mayMatch(where, mayContain)).toBe(true);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test("segments without the words are skipped, unless another condition may be true", () => {
  const words: Condition = { field: "*", op: "contains", value: "absent" };
  const other: Condition = { field: "http.response.status_code", op: "eq", value: 500 };
  const none = (): boolean => false;
  expect(mayMatch([words, other], none)).toBe(false);
  expect(mayMatch([{ op: "or", of: [[words], [words, other]] }], none)).toBe(false);
  expect(mayMatch([{ op: "or", of: [[words], [other]] }], none)).toBe(true);
  expect(mayMatch([{ op: "not", of: [words] }], none)).toBe(true);
});

test("filters are not read for conditions that they cannot decide", () => {
  expect(seeksText([])).toBe(false);
  expect(seeksText([{ field: "source.address", op: "eq", value: "10.0.0.1" }])).toBe(false);
  expect(seeksText([{ field: "url.original", op: "like", value: "*admin*" }])).toBe(true);
});
