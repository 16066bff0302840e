import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { captureOutput } from "./testing-output.ts";
import { tokenCommand } from "./token.ts";

test("tokens are made, listed without their secret, and removed; mistakes are named", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "token-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const run = (...args: string[]): Promise<string> =>
    captureOutput().of(tokenCommand, ...args, "--data", folder);
  expect(await run("list")).toContain("quarterdeck token add NAME");
  const added = await run("add", "shop", "--datasets", "shop.*,edge", "--rate", "50");
  expect(added).toMatch(/^shop \(tok_\w+\): datasets shop\.\*, edge; 50 events\/s; since /);
  const secret = /^qd_\S+$/m.exec(added)?.[0] ?? "none";
  const listed = await run("list");
  expect(listed).toContain("shop (tok_");
  expect(listed).not.toContain(secret);
  await expect(run("add", "shop")).rejects.toThrow("There is a token named shop");
  await expect(run("add", "b", "--datasets", "Shop")).rejects.toThrow(/datasets.*shop\.orders/);
  await expect(run("add", "b", "--rate", "0")).rejects.toThrow("eventsPerSecond");
  await expect(run("make")).rejects.toThrow("add, list or remove");
  expect(await run("remove", "shop")).toContain("Removed: shop");
  await expect(run("remove", "shop")).rejects.toThrow("no token shop");
});
