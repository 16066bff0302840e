import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";

import { Batch } from "../batch.ts";
import { UserAgentDeriver } from "../derive/user-agent-deriver.ts";
import { Expressions, gramsOf } from "./expressions.ts";
import { requiredTexts } from "./required-text.ts";
import { UserAgentParser } from "./user-agent-parser.ts";

const parser = new UserAgentParser();

const KNOWN: readonly [string, Record<string, string>][] = [
  [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36",
    { name: "Chrome", version: "137.0.0.0", osName: "Windows", osVersion: "10", device: "Other" },
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    { name: "Mobile Safari", version: "17.5", osName: "iOS", osVersion: "17.5", device: "iPhone" },
  ],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
    { name: "Safari", version: "17.4", osName: "Mac OS X", osVersion: "10.15.7", device: "Mac" },
  ],
  [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    { name: "Googlebot", version: "2.1", device: "Spider" },
  ],
  ["curl/8.4.0", { name: "curl", version: "8.4.0", device: "Other" }],
  ["something nobody knows", { name: "Other", device: "Other" }],
  ["", { name: "Other", device: "Other" }],
];

test.each(KNOWN)("the user agent %s has the names that Elastic uses", (original, expected) => {
  expect(parser.parse(original)).toEqual({
    version: undefined,
    osName: undefined,
    osVersion: undefined,
    ...expected,
  });
});

type Items = { regex: string; regex_flag?: string }[];
const path = fileURLToPath(import.meta.resolve("uap-core/regexes.yaml"));
const all = Object.values(parse(readFileSync(path, "utf8")) as Record<string, Items>).map((items) =>
  items.map(({ regex, regex_flag }, value) => ({
    expression: new RegExp(regex, regex_flag),
    value,
  })),
);
const part = fc.oneof(
  fc.constantFrom(...KNOWN.map(([original]) => original)),
  fc.constantFrom(
    "Chrome/1",
    "; Nexus 5 Build",
    "iPad; ",
    "bot",
    "SAMSUNG GT-I9300 Build",
    "Opera/9.8",
    "MSIE 7.0",
    "Nokia6100/1",
  ),
  fc.string({ maxLength: 12 }),
);

test("the expression that is found is the first of all that matches", () => {
  const indexed = all.map((expressions) => new Expressions(expressions));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
      const text = parts.join(" ").slice(0, 300);
      for (const [index, expressions] of all.entries()) {
        const expected = expressions.find(({ expression }) => expression.test(text))?.value;
        expect(indexed[index]?.first(text, gramsOf(text))?.value).toBe(expected);
      }
    }),
    { numRuns: 60 },
  );
});

test("a required text is in no alternative, class, look-ahead or optional part", () => {
  expect(requiredTexts("Foo/(\\d+)\\.bar")).toEqual(["foo/", ".bar"]);
  expect(requiredTexts("a?bc*d+e{2,3}fg")).toEqual(["b", "d", "fg"]);
  expect(requiredTexts("(?:abc|def)ghi(jkl)?(mno)(?!pqr)[stu]vw")).toEqual(["ghi", "mno", "vw"]);
  expect(requiredTexts("abc|def")).toEqual([]);
  expect(requiredTexts("x(a(b|c)d)y")).toEqual(["x", "a", "d", "y"]);
});

test("fields are derived once per distinct user agent, own fields are kept, and a batch parses a bounded number", () => {
  const batch = new Batch(20_000);
  let parsed = 0;
  const counting = {
    parse(original: string) {
      parsed += 1;
      return { name: original, version: undefined, osName: "OS", osVersion: "1", device: "Other" };
    },
  } as unknown as UserAgentParser;
  const deriver = new UserAgentDeriver(batch, counting);
  const originals = batch.text("user_agent.original");
  const names = batch.text("user_agent.name");
  for (let row = 0; row < 12_000; row += 1) {
    originals.putText(row, `agent ${row % 6_000}`);
    if (row === 5) names.putText(row, "own");
    batch.commit();
  }
  deriver.derive(0, batch.rows);
  expect(parsed).toBe(4_096);
  const nameOf = (row: number): string => (names.ids[row] ? names.text(names.ids[row]) : "");
  expect([0, 5, 6_005, 4_095, 4_096].map(nameOf)).toEqual([
    "agent 0",
    "own",
    "agent 5",
    "agent 4095",
    "",
  ]);
  const full = batch.text("user_agent.os.full");
  expect(full.text(full.ids[0] ?? 0)).toBe("OS 1");
  batch.reset();
  deriver.reset();
  originals.putText(0, "agent 7");
  batch.commit();
  deriver.derive(0, 1);
  expect(parsed).toBe(4_096);
  expect(nameOf(0)).toBe("agent 7");
});
