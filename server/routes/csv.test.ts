import * as fc from "fast-check";
import { expect, test } from "vitest";

import { csvLine } from "./csv.ts";

test("text that a spreadsheet would run as a formula is text, and negative numbers are numbers", () => {
  expect(csvLine(["=HYPERLINK(1)", "+1", "-1", "@a", "\t=1", "\r=1", -1, 0.5, null])).toBe(
    `'=HYPERLINK(1),'+1,'-1,'@a,'\t=1,"'\r=1",-1,0.5,\r\n`,
  );
});

test("quotes, commas and line ends are quoted", () => {
  expect(csvLine(['a "b"', "a,b", "a\nb", ["x", "y"]])).toBe(
    '"a ""b""","a,b","a\nb","[""x"",""y""]"\r\n',
  );
});

test("any text is one cell, and no cell starts as a formula", () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (values) => {
      const cells = cellsOf(csvLine(values));
      expect(cells).toHaveLength(values.length);
      for (const [at, cell] of cells.entries()) {
        expect(cell).not.toMatch(/^[=+\-@\t\r]/);
        expect([cell, cell.slice(1)]).toContain(values[at]);
      }
    }),
  );
});

/** Reads one line by RFC 4180. */
function cellsOf(line: string): string[] {
  const cells: string[] = [];
  let rest = line.replace(/\r\n$/, "");
  for (;;) {
    const [whole = "", quoted, plain = ""] = /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))/.exec(rest) ?? [];
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    rest = rest.slice(whole.length);
    if (rest === "") return cells;
    expect(rest.startsWith(",")).toBe(true);
    rest = rest.slice(1);
  }
}
