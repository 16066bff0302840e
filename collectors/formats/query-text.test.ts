import * as fc from "fast-check";
import { expect, test } from "vitest";

import { fingerprintOf, type QueryDialect, queryText } from "./query-text.ts";

test.each<[QueryDialect, string, string]>([
  [
    "postgresql",
    "SELECT a, \"B c\" FROM t WHERE x = 'it''s' AND y > -1.5e3",
    'select a, "B c" from t where x = ? and y > ?',
  ],
  ["postgresql", "select E'a\\'b', $1, $$x ' y$$, $t$ $$ $t$, 0x1F", "select ?, ?, ?, ?, ?"],
  ["postgresql", "select 'C:\\' , 'x'", "select ?, ?"],
  ["postgresql", "select 1 -- one\n /* two\n lines */ + 2;", "select ? + ?"],
  ["postgresql", "select * from t where id in (1, 2, 3)", "select * from t where id in (?)"],
  ["postgresql", "select f(1, 2), a[1:2], b::int", "select f(?, ?), a [? : ?], b::int"],
  [
    "postgresql",
    "insert into t (a, b) values (1, now()), (2, now())",
    "insert into t(a, b) values (?, now())",
  ],
  ["postgresql", "where a is null and b = null", "where a is null and b = ?"],
  ["postgresql", "select 'cut", "select ?"],
  [
    "mysql",
    "SELECT `Id` FROM t WHERE a = \"x\" AND b='it\\'s' # end",
    "select `Id` from t where a = ? and b = ?",
  ],
  ["mysql", "select 5--3, 2fa_codes", "select ? - ?, 2fa_codes"],
  [
    "mongodb",
    '{ find: "c", filter: { n: { $gt: 5 }, "a.b": "x" } }',
    '{ find : ?, filter : { n : { $gt : ? }, "a.b" : ? } }',
  ],
])("%s: %s", (dialect, statement, expected) => {
  expect(queryText(statement, dialect)).toBe(expected);
});

const DIALECTS = fc.constantFrom<QueryDialect[]>("postgresql", "mysql", "mongodb");

test("statements that differ only in their values, their white space and the length of lists have one fingerprint", () => {
  const value = fc.oneof(
    fc.integer().map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.stringMatching(/^[^'\\]{0,20}$/u).map((text) => `'${text.replaceAll("'", "''")}'`),
  );
  const space = fc.constantFrom(" ", "\n", "\t ", "  ", "/* x */");
  const list = fc.array(value, { minLength: 1, maxLength: 5 });
  const statement = fc
    .tuple(value, list, fc.array(list, { minLength: 1, maxLength: 4 }), space)
    .map(([one, some, rows, gap]) => {
      const row = rows.map(() => `(${one},${gap}${one})`).join(`,${gap}`);
      return `select${gap}a from t where b = ${one} and c in (${some.join(",")}) union values ${row}`;
    });
  fc.assert(
    fc.property(statement, statement, (a, b) => {
      expect(fingerprintOf(queryText(a, "postgresql"))).toBe(
        fingerprintOf(queryText(b, "postgresql")),
      );
    }),
  );
});

test("any text gives a query text of bounded length", () => {
  const pieces = fc.constantFrom(
    "'",
    '"',
    "`",
    "$$",
    "(",
    ")",
    ",",
    "/*",
    "--",
    "#",
    "\\",
    "1",
    "a",
    " ",
  );
  const text = fc.array(pieces, { maxLength: 300 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(text, fc.string()), DIALECTS, (statement, dialect) => {
      expect(queryText(statement, dialect).length).toBeLessThanOrEqual(4096);
    }),
  );
});

test.each(["(", "((1,2),", "'", "/*", "$a", '"', "-", "x in (1,"])(
  "a statement of one megabyte of %s is read as far as it counts",
  (piece) => {
    const statement = piece.repeat(1_000_000 / piece.length);
    expect(queryText(statement, "postgresql")).toBe(
      queryText(statement.slice(0, 20_000), "postgresql"),
    );
  },
);
