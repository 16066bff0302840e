import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { refuseMetadata } from "./reachable.ts";
import { readSecretFile } from "./secret-file.ts";

test("a secret is read from a file that others may not read", async () => {
  const folder = await mkdtemp(join(tmpdir(), "secret-file-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "password");
  await writeFile(file, "pa55\n", { mode: 0o600 });
  expect(await readSecretFile(file)).toBe("pa55");
  await chmod(file, 0o644);
  await expect(readSecretFile(file)).rejects.toThrow(`every user of the machine may read ${file}`);
  await expect(readSecretFile(join(folder, "none"))).rejects.toThrow("ENOENT");
});

test("sources may not reach the metadata of a cloud, but databases in private networks", async () => {
  await expect(refuseMetadata("169.254.169.254")).rejects.toThrow("link-local");
  await expect(refuseMetadata("fe80::1")).rejects.toThrow("link-local");
  await expect(refuseMetadata("10.0.0.1")).resolves.toBeUndefined();
  await expect(refuseMetadata("localhost")).resolves.toBeUndefined();
});
