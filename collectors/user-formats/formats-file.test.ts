import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { parseFormats, readFormats, removeFormat, saveFormat } from "./formats-file.ts";

async function dataFolder(text?: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-formats-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  if (text !== undefined) await writeFile(join(folder, "formats.yaml"), text);
  return folder;
}

const ORDERS = { name: "shop.orders", pattern: "%{GREEDYDATA:message}", paths: ["/srv/*.log"] };

test("a format is saved, replaced and removed, and comments of the file are kept", async () => {
  const folder = await dataFolder(
    "# ours\nformats:\n  # the first\n  - name: a.b\n    pattern: (?<x>a)\n",
  );
  await saveFormat(folder, ORDERS);
  await saveFormat(folder, { ...ORDERS, pattern: "%{DATA:message}$" });
  const read = await readFormats(folder);
  expect(read.ok && read.entries).toEqual([
    { name: "a.b", pattern: "(?<x>a)", paths: [] },
    { ...ORDERS, pattern: "%{DATA:message}$" },
  ]);
  await removeFormat(folder, "shop.orders");
  const text = await readFile(join(folder, "formats.yaml"), "utf8");
  expect(text).toContain("# ours");
  expect(text).toContain("# the first");
  expect(text).not.toContain("shop.orders");
  await expect(removeFormat(folder, "shop.orders")).rejects.toThrow(/there is no format/);
});

test("the first format creates the file, which only its owner may read", async () => {
  const folder = await dataFolder();
  await saveFormat(folder, ORDERS);
  expect((await stat(join(folder, "formats.yaml"))).mode & 0o077).toBe(0);
  expect(await readFormats(folder)).toMatchObject({ ok: true, entries: [ORDERS] });
});

test.each([
  ["formats:\n  - name: X\n    pattern: (?<x>a)\n", { line: 2, field: "formats.0.name" }],
  [
    "formats:\n  - name: nginx.access\n    pattern: (?<x>a)\n",
    { line: 2, field: "formats.0.name" },
  ],
  ["formats:\n  - name: a.b\n    pattern: (?<x>a\n", { line: 3, field: "formats.0.pattern" }],
  [
    "formats:\n  - name: a.b\n    pattern: (?<x>a)\n    paths: [srv]\n",
    { line: 4, field: "formats.0.paths.0" },
  ],
  [
    "formats:\n  - name: a.b\n    pattern: (?<x>a)\n  - name: a.b\n    pattern: (?<x>a)\n",
    { line: 4, field: "formats.1.name" },
  ],
  ["formats: [\n", { field: "" }],
])("a mistake is named by line and field: %s", (text, mistake) => {
  expect(parseFormats(text)).toMatchObject({ ok: false, mistakes: [mistake] });
});

test("a file with mistakes is not changed", async () => {
  const text = "formats:\n  - name: X\n";
  const folder = await dataFolder(text);
  await expect(saveFormat(folder, ORDERS)).rejects.toThrow(/has mistakes: line 2/);
  expect(await readFile(join(folder, "formats.yaml"), "utf8")).toBe(text);
});
