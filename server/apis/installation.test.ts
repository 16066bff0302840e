import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { parseSettings } from "#platform/settings/settings.ts";

import { apiHostSettings } from "../settings.ts";
import { openInstallation, rootKeyFile } from "./installation.ts";

test("the root key is created once, and an empty one is refused with what to do", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "quarterdeck installation "));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const environment = { QUARTERDECK_DATA: folder, DATABASE_URL: "postgres://127.0.0.1/none" };
  const { apis } = parseSettings({ apis: apiHostSettings }, environment);
  const { rootKey } = await openInstallation(apis);
  expect(rootKey.length).toBeGreaterThan(40);
  expect((await openInstallation(apis)).rootKey).toBe(rootKey);
  writeFileSync(rootKeyFile(folder), "");
  await expect(openInstallation(apis)).rejects.toThrow(/root-key is empty.+ backup/);
});
