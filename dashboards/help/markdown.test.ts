import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { parseQuery } from "#pipeline/query-language.ts";

import { parseMarkdown } from "./markdown.ts";

const blocks = parseMarkdown(readFileSync("docs/search.md", "utf8"));

test("headings, paragraphs, tables and code are recognised", () => {
  const text = "# A `b`\n\none\ntwo `c|d`\n\n| x | y |\n| --- | :-: |\n| `a\\|b` | z |\n";
  expect(parseMarkdown(text)).toEqual([
    {
      kind: "heading",
      level: 1,
      spans: [
        { kind: "text", text: "A " },
        { kind: "code", text: "b" },
      ],
    },
    {
      kind: "paragraph",
      spans: [
        { kind: "text", text: "one two " },
        { kind: "code", text: "c|d" },
      ],
    },
    {
      kind: "table",
      head: [[{ kind: "text", text: "x" }], [{ kind: "text", text: "y" }]],
      rows: [[[{ kind: "code", text: "a|b" }], [{ kind: "text", text: "z" }]]],
    },
  ]);
});

test("the description of the query language uses only what is recognised", () => {
  const texts = blocks.flatMap((block) =>
    block.kind === "table" ? block.rows.flat(2) : block.spans,
  );
  const plain = texts.filter(({ kind }) => kind === "text").map(({ text }) => text);
  expect(plain.filter((text) => /`|\]\(|\*\*|^\s*[-|#>]/.test(text))).toEqual([]);
  expect(blocks.map(({ kind }) => kind)).toContain("table");
});

test("every query in its table can be searched for", () => {
  const queries = blocks.flatMap((block) =>
    block.kind === "table"
      ? block.rows.flatMap(([first = []]) => first.map(({ text }) => text))
      : [],
  );
  expect(queries.length).toBeGreaterThan(10);
  for (const query of queries) expect(parseQuery(query), query).not.toEqual([]);
});
