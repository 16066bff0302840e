import * as fc from "fast-check";
import { expect, test } from "vitest";

import { TextColumn } from "../text-column.ts";
import { NO_FIELD, QuotedField, slotOfUrl, slotOfUserAgent } from "./quoted-field.ts";

const bytesOf = (text: string): Buffer => Buffer.from(text);

test.each([
  { name: "all values share one slot", slotOf: () => 0 },
  { name: "slots are selected as for URLs", slotOf: slotOfUrl },
  { name: "slots are selected as for user agents", slotOf: slotOfUserAgent },
])("each row gets its own value where $name", ({ slotOf }) => {
  // Few letters, so that values repeat and begin alike; longer and shorter than the part that selects a slot.
  const value = fc.string({
    unit: fc.constantFrom("a", "b", " ", "/"),
    minLength: 1,
    maxLength: 90,
  });
  const rest = fc.constantFrom("", " 0.001", ' "x"');
  fc.assert(
    fc.property(fc.array(fc.tuple(value, rest), { maxLength: 40 }), (fields) => {
      const column = new TextColumn(2 * fields.length);
      const field = new QuotedField(column, slotOf);
      // Twice, so that each value is once a candidate.
      [...fields, ...fields].forEach(([text, after], row) => {
        const line = bytesOf(`"${text}"${after}`);
        expect(field.put(row, line, 0, line.length)).toBe(text.length + 3);
        expect(column.text(column.ids[row] ?? 0)).toBe(text);
      });
    }),
  );
});

test.each([
  { line: "- 12", next: 2, name: "a dash" },
  { line: '"-" 12', next: 4, name: "a quoted dash" },
  { line: '"" 12', next: 3, name: "an empty field" },
  { line: "-12", next: NO_FIELD, name: "a number" },
  { line: "", next: NO_FIELD, name: "the end of the line" },
])("$name has no value", ({ line, next }) => {
  const column = new TextColumn(1);
  const bytes = bytesOf(line);
  expect(new QuotedField(column, slotOfUrl).put(0, bytes, 0, bytes.length)).toBe(next);
  expect(column.ids[0]).toBe(0);
});
