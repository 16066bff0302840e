import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { openSourcesEditor } from "./sources-editor.ts";

const shop = { id: "shop", kind: "database", properties: { url: "postgres://q@db.example/shop" } };

async function editorIn() {
  const folder = await mkdtemp(join(tmpdir(), "sources-editor-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "secrets", "shop-passwordFile");
  return { folder, file, editor: openSourcesEditor(folder) };
}

test("a password that is entered goes into a file of its own, and is removed with its source", async () => {
  const { folder, file, editor } = await editorIn();
  await editor.apply({ edit: "add", entry: shop }, { passwordFile: "pa55" });
  expect(await readFile(file, "utf8")).toBe("pa55\n");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const yaml = await readFile(join(folder, "sources.yaml"), "utf8");
  expect(yaml).toContain(`passwordFile: ${file}`);
  expect(yaml).not.toContain("pa55");
  await editor.apply({ edit: "remove", id: "shop" });
  await expect(stat(file)).rejects.toThrow("ENOENT");
});

test("a secret of an invalid entry is not written", async () => {
  const { folder, editor } = await editorIn();
  const bad = { ...shop, id: "../shop" };
  await expect(editor.apply({ edit: "add", entry: bad }, { passwordFile: "x" })).rejects.toThrow(
    "id: use 1 to 63",
  );
  await expect(editor.apply({ edit: "add", entry: shop }, { other: "x" })).rejects.toThrow(
    "sources of this kind have no such secret",
  );
  await expect(stat(join(folder, "secrets"))).rejects.toThrow("ENOENT");
});
