import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { temporaryFolder } from "#deployer/ecs-local/testing.ts";

import { LocalProcess } from "./local-process.ts";

function sleeper(folder: string, script = "echo out; echo err >&2; exec sleep 60"): LocalProcess {
  const started = new LocalProcess({ folder, name: "server", command: ["/bin/sh", "-c", script] });
  onTestFinished(() => started.stop());
  return started;
}

test("a program is started once, found by the next one, and stopped by it", async () => {
  const folder = temporaryFolder();
  const first = sleeper(folder);
  await first.start();
  const { pid } = first;
  const next = sleeper(folder);
  await next.start();
  expect([pid, next.pid]).toEqual([expect.any(Number), pid]);
  await expect.poll(() => readFileSync(next.outputFile, "utf8")).toBe("out\n");
  await expect.poll(() => readFileSync(next.logFile, "utf8")).toBe("err\n");
  await next.stop();
  expect(first.pid).toBeUndefined();
});

test("another process that has got its pid is not taken for it", async () => {
  const folder = temporaryFolder();
  const started = sleeper(folder);
  await started.start();
  const record = path.join(folder, "server.process");
  const [boot, , start] = readFileSync(record, "utf8").split(" ");
  await started.stop();
  writeFileSync(record, `${boot} ${process.pid} ${start} end\n`);
  expect(started.pid).toBeUndefined();
  started.signal("SIGKILL");
  writeFileSync(record, `other-boot ${process.pid} ${start} end\n`);
  expect(started.pid).toBeUndefined();
  writeFileSync(record, `${boot} ${process.pid}`);
  expect(started.pid).toBeUndefined();
});

test("one that ignores SIGTERM is killed", async () => {
  const started = sleeper(temporaryFolder(), "trap '' TERM; while :; do sleep 0.1; done");
  await started.start();
  await started.stop();
  expect(started.pid).toBeUndefined();
});

test("what it wrote last says why it did not start", () => {
  const started = sleeper(temporaryFolder());
  appendFileSync(started.logFile, "first\ncannot bind 127.0.0.1:80\n");
  expect(started.failed("it ended").message).toBe(
    "server did not start: it ended\nfirst\ncannot bind 127.0.0.1:80",
  );
});
