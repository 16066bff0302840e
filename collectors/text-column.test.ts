import * as fc from "fast-check";
import { expect, test } from "vitest";

import { TextColumn } from "./text-column.ts";

const steps = fc.array(
  fc.oneof(
    fc.record({ append: fc.nat({ max: 3_000 }) }),
    fc.record({ intern: fc.oneof(fc.nat({ max: 4_000 }).map(String), fc.string()) }),
  ),
  { maxLength: 20 },
);

test("values that were appended are found like those that were added one by one", () => {
  const other = new TextColumn(1);
  for (let i = 0; i < 4_000; i += 1) other.internText(String(i));
  const column = new TextColumn(1);
  fc.assert(
    fc.property(steps, (taken) => {
      const values: string[] = [];
      let appended = 0;
      for (const step of taken) {
        if ("intern" in step) {
          if (!values.includes(step.intern)) values.push(step.intern);
          expect(column.internText(step.intern)).toBe(values.indexOf(step.intern) + 1);
          continue;
        }
        const first = appended + 1;
        const present = values.map(Number).filter((value) => value >= appended);
        appended = Math.min(appended + step.append, 4_000, ...present);
        column.append(other.dictionary, first, appended);
        for (let id = first; id <= appended; id += 1) values.push(String(id - 1));
      }
      expect(column.size).toBe(values.length);
      for (const [i, value] of values.entries()) {
        expect(column.text(i + 1)).toBe(value);
        expect(column.internText(value)).toBe(i + 1);
      }
      column.reset();
    }),
    { numRuns: 60 },
  );
});
