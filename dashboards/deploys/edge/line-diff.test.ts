import * as fc from "fast-check";
import { expect, test } from "vitest";

import { lineDiff } from "./line-diff.ts";

const textOf = (before: string, after: string): string[] =>
  lineDiff(before, after).map((line) =>
    line.kind === "gap"
      ? `… ${line.lines}`
      : `${{ same: " ", added: "+", removed: "-" }[line.kind]}${line.text} ${line.before ?? "–"} ${line.after ?? "–"}`,
  );

test("only what has changed is shown, with the lines around it", () => {
  const before = Array.from({ length: 12 }, (_, at) => `l${at + 1}`);
  const after = before.with(5, "new").toSpliced(8, 0, "more");
  expect(textOf(before.join("\n"), after.join("\n"))).toEqual([
    "… 2",
    " l3 3 3",
    " l4 4 4",
    " l5 5 5",
    "-l6 6 –",
    "+new – 6",
    " l7 7 7",
    " l8 8 8",
    "+more – 9",
    " l9 9 10",
    " l10 10 11",
    " l11 11 12",
    "… 1",
  ]);
});

test("removals lead from one text to the other, and texts are the same only without any", () => {
  const text = fc
    .array(fc.constantFrom("a", "b", "c", ""), { maxLength: 12 })
    .map((it) => it.join("\n"));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = lineDiff(before, after).flatMap((it) => (it.kind === "gap" ? [] : [it]));
      expect(lines.length === 0).toBe(before === after);
      for (const [whole, number, kind] of [
        [before, "before", "added"],
        [after, "after", "removed"],
      ] as const) {
        for (const line of lines.filter((it) => it.kind !== kind)) {
          expect(whole.split("\n")[(line[number] ?? 0) - 1]).toBe(line.text);
        }
      }
      const count = (kind: string): number => lines.filter((it) => it.kind === kind).length;
      const grown = after.split("\n").length - before.split("\n").length;
      expect(count("added") - count("removed")).toBe(grown);
    }),
  );
});
