import * as fc from "fast-check";
import { expect, test } from "vitest";

import { logPaths } from "./log-paths.ts";
import { mistakeText, parseSources } from "./sources-file.ts";

const mistakesOf = (text: string): string[] => {
  const read = parseSources(text);
  return read.ok ? [] : read.mistakes.map(mistakeText);
};

test("log files by pattern, and paths that are not read, come from the file", () => {
  const read = parseSources(`# our logs
sources:
  - id: web
    kind: files
    paths: [/var/log/nginx/*.log, "/srv/a b.log"]
exclude: [/var/log/old.log]
`);
  if (!read.ok) throw new Error(read.mistakes.map(mistakeText).join());
  expect([...logPaths(["/var/log/old.log", "/tmp/x.log"], read.file)]).toEqual([
    ["/tmp/x.log", "/tmp/x.log"],
    ["/var/log/nginx/*.log", "web"],
    ["/srv/a b.log", "web"],
  ]);
});

test("an empty file, and one with comments only, has no sources", () => {
  for (const text of ["", "\n", "# nothing yet\n"]) {
    expect(parseSources(text)).toEqual({ ok: true, file: { sources: [], exclude: [] } });
  }
});

test.each([
  ["sources: [", /^line 1: /],
  ["sources: yes\n", /^line 1, sources: /],
  [
    "sources:\n  - id: Web Server\n    kind: files\n    paths: [/a]\n",
    /^line 2, sources\.0\.id: use 1 to 63 of/,
  ],
  ["sources:\n  - id: web\n    kind: flies\n", /^line 3, sources\.0\.kind: choose one of: files/],
  ["sources:\n  - id: web\n    kind: files\n", /^line 2, sources\.0\.paths: /],
  [
    "sources:\n  - id: web\n    kind: files\n    paths:\n      - logs/a.log\n",
    /^line 5, sources\.0\.paths\.0: give an absolute path/,
  ],
  [
    "sources:\n  - id: web\n    kind: files\n    paths: [/a]\n    path: /b\n",
    /^line 5, sources\.0\.path: there is no such property/,
  ],
  [
    "sources:\n  - {id: a, kind: files, paths: [/a]}\n  - {id: a, kind: files, paths: [/b]}\n",
    /^line 3, sources\.1\.id: the id a is already used in line 2/,
  ],
  ["sources: &a []\nexclude: *a\n", /aliases/],
])("a mistake is named with its line and field: %j", (text, expected) => {
  expect(mistakesOf(text)).toHaveLength(1);
  expect(mistakesOf(text)[0]).toMatch(expected);
});

test("a format may be chosen for sources with lines only", () => {
  const read = parseSources(
    "sources:\n  - {id: a, kind: files, paths: [/a], format: nginx.access}\n",
  );
  expect(read.ok && read.file.sources[0]).toMatchObject({
    format: "nginx.access",
    properties: { paths: ["/a"] },
  });
  const [mistake] = mistakesOf(
    "sources:\n  - {id: a, kind: database, url: 'mysql://db', format: nginx.access}\n",
  );
  expect(mistake).toContain("sources.0.format: there is no such property");
});

test("any text is read, or refused with a line of it", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json().map((json) => `sources: ${json}`),
      ),
      (text) => {
        const read = parseSources(text);
        if (read.ok) return;
        for (const { line } of read.mistakes) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(text.split(/\r\n|\r|\n/).length + 1);
        }
      },
    ),
  );
});
