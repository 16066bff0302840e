import { expect, test } from "vitest";

import { parseShellLine } from "./shell-line.ts";

test.each<[line: string, words: string[], raw: string, quote: string]>([
  ["quarterdeck qu", ["quarterdeck", "qu"], "qu", ""],
  ["quarterdeck query ", ["quarterdeck", "query", ""], "", ""],
  ["q --where 'status:404 met", ["q", "--where", "status:404 met"], "'status:404 met", "'"],
  ['q --where "path:\\"/a b', ["q", "--where", 'path:"/a b'], '"path:\\"/a b', '"'],
  ["q a\\ b c", ["q", "a b", "c"], "c", ""],
  ["q 'a b' \"c\"d", ["q", "a b", "cd"], '"c"d', ""],
  ["cat x | quarterdeck que", ["quarterdeck", "que"], "que", ""],
  ["cd /srv && quarterdeck ", ["quarterdeck", ""], "", ""],
  ["q '' ", ["q", "", ""], "", ""],
])("%s is split as a shell does", (line, ...expected) => {
  const { words, raw, quote } = parseShellLine(line);
  expect([words, raw, quote]).toEqual(expected);
});
