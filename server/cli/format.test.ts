import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { formatCommand } from "./format.ts";
import { captureOutput } from "./testing-output.ts";

async function opened() {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck format "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const printed = captureOutput();
  const run = (...args: string[]): Promise<string> =>
    printed.of(formatCommand, ...args, "--data", folder);
  return { run };
}

test("a format is added, listed and removed", async () => {
  const { run } = await opened();
  expect(await run("list")).toBe("There are no formats of yours yet.\n");
  const added = await run(
    "add",
    "shop.orders",
    "--pattern",
    "%{INT:order.id}",
    "--path",
    "/srv/*.log",
  );
  expect(added).toContain("quarterdeck reprocess --format shop.orders");
  expect(await run("list")).toBe("shop.orders\n  %{INT:order.id}\n  reads /srv/*.log\n");
  expect(JSON.parse(await run("list", "--json"))).toEqual({
    name: "shop.orders",
    pattern: "%{INT:order.id}",
    paths: ["/srv/*.log"],
  });
  expect(await run("remove", "shop.orders")).toContain("is removed");
});

test.each([
  [["add", "shop.orders"], /give a name and --pattern/],
  [["add", "Shop", "--pattern", "%{INT:x}"], /a-z, 0-9/],
  [["add", "nginx.access", "--pattern", "%{INT:x}"], /choose another/],
  [["add", "shop.orders", "--pattern", "%{INT:x"], /write %\{NAME\}/],
  [["test", "--pattern", "(?<x>a"], /missing closing \)/],
  [["test", "no.such"], /there is no format no.such/],
  [["remove", "no.such"], /there is no format no.such/],
  [["publish"], /format test, add, list or remove/],
])("%j is refused with what to do", async (args, message) => {
  const { run } = await opened();
  await expect(run(...args)).rejects.toThrow(message);
});
