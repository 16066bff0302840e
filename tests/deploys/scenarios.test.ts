import { existsSync, readFileSync } from "node:fs";

import { expect, test } from "vitest";

const DOCUMENT = "docs/deploy-scenarios.md";

type Scenario = { names: string[]; reference: string | undefined; reason: string | undefined };

/** Each scenario is a line: its names, what it is about, and our test or the reason why there is none. */
function scenariosIn(text: string): Scenario[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("- **"))
    .map((line) => {
      const [, names = "", rest = ""] = /^- \*\*(.+?)\*\*: (.+)$/.exec(line) ?? [];
      return {
        names: names.split(", "),
        reference: /`([^`]+ › [^`]+)`$/.exec(rest)?.[1],
        reason: /Not here: (.+)\.$/.exec(rest)?.[1],
      };
    });
}

/** Tests that are named in the text: `file › title`, or (file: "title") in a reason. */
function referencesIn(text: string): { file: string; title: string }[] {
  return [...text.matchAll(/`([a-z-]+) › ([^`]+)`|\(([a-z-]+): "([^"]+)"\)/g)].map(
    ([, file, title, other, otherTitle]) => ({
      file: file ?? other ?? "",
      title: title ?? otherTitle ?? "",
    }),
  );
}

/** Names and files of the table at the end. */
const filesIn = (text: string): Map<string, string> =>
  new Map(
    [...text.matchAll(/^\| ([a-z-]+) +\| `([^`]+)`/gm)].map(([, name = "", file = ""]) => [
      name,
      file,
    ]),
  );

/** What is wrong with a document about scenarios. */
function problemsOf(text: string): string[] {
  const files = filesIn(text);
  const scenarios = scenariosIn(text);
  const references = referencesIn(text);
  const names = scenarios.flatMap((it) => it.names);
  const used = new Set(references.map(({ file }) => file));
  return [
    ...scenarios
      .filter(({ reference, reason }) => (reference === undefined) === (reason === undefined))
      .map(({ names: [name] }) => `${name}: needs one test or a reason`),
    ...names
      .filter((name, at) => names.indexOf(name) !== at)
      .map((name) => `${name}: is there twice`),
    ...references.flatMap(({ file, title }) => {
      const path = files.get(file);
      if (path === undefined) return [`${file}: is no file of the table`];
      if (!existsSync(path)) return [`${path}: does not exist`];
      return hasTest(readFileSync(path, "utf8"), title) ? [] : [`${path}: has no test "${title}"`];
    }),
    ...[...files.keys()].filter((file) => !used.has(file)).map((file) => `${file}: is not used`),
  ];
}

/** The title is the first argument of a call, or the first value of a case. */
function hasTest(code: string, title: string): boolean {
  const dense = code.replaceAll(/(?<=[([])\s+/g, "");
  const calls = ['"', "'", "`"].map((quote) => `(${quote}${title}${quote},`);
  return [...calls, `["${title}",`].some((start) => dense.includes(start));
}

test("every scenario of other deployers has a test that exists, or a reason", () => {
  const text = readFileSync(DOCUMENT, "utf8");
  expect(problemsOf(text)).toEqual([]);
  expect(scenariosIn(text).length).toBeGreaterThan(100);
});

test("the checker reports violations", () => {
  const lines = [
    "- **A, B**: both. `scenarios › the checker reports violations`",
    '- **B**: again. Not here: it is above (scenarios: "gone too").',
    "- **C**: nothing.",
    "- **D**: a renamed test. `scenarios › gone`",
    "- **E**: a file that is not in the table. `unknown › gone`",
    "- **F**: a file that does not exist. `moved › gone`",
    "| scenarios | `tests/deploys/scenarios.test.ts` |",
    "| moved | `tests/deploys/moved.test.ts` |",
    "| unused | `tests/deploys/scenarios.test.ts` |",
  ];
  expect(problemsOf(lines.join("\n"))).toEqual([
    "C: needs one test or a reason",
    "B: is there twice",
    'tests/deploys/scenarios.test.ts: has no test "gone too"',
    'tests/deploys/scenarios.test.ts: has no test "gone"',
    "unknown: is no file of the table",
    "tests/deploys/moved.test.ts: does not exist",
    "unused: is not used",
  ]);
});
