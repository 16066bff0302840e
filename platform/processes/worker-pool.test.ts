import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { openDispatcher } from "./connection-dispatcher.ts";
import { startWorkerPool } from "./worker-pool.ts";

test("a pool whose workers cannot start is down, and tells why", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck pool "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const module = join(folder, "worker.mjs");
  await writeFile(
    module,
    `process.send({ type: "failed", message: "the port of the mail server is missing" }, () => process.exit(1));`,
  );
  const dispatcher = await openDispatcher({ host: "127.0.0.1", port: 0, ifTaken: "fail" });
  const notices: string[] = [];
  const pool = startWorkerPool(dispatcher, {
    name: "the test",
    module,
    task: {},
    count: 1,
    env: process.env,
    input: {},
    writeLines: () => undefined,
    retryStart: true,
    notify: (line) => notices.push(line),
  });
  onTestFinished(() => pool.stop());
  expect(pool.isDown()).toBe(false);
  await expect.poll(() => pool.isDown(), { timeout: 20_000 }).toBe(true);
  expect(notices).toEqual(["the port of the mail server is missing"]);
});
