import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { NO_PROC, PROC, startOf } from "./process-start.ts";
import { parseExit, parseStarted, WATCHER } from "./watcher.ts";

function watch(command: string, proc = PROC): { read(name: string): string; start(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), "quarterdeck watcher "));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const read = (name: string): string =>
    existsSync(path.join(folder, name)) ? readFileSync(path.join(folder, name), "utf8") : "";
  const start = (): void => {
    const args = ["-c", WATCHER, "sh", "boot", proc, folder, "/bin/sh", "-c", command];
    const output = openSync(path.join(folder, "output"), "a");
    spawn("/bin/sh", args, { cwd: folder, detached: true, stdio: ["ignore", output, output] });
    closeSync(output);
  };
  start();
  return { read, start };
}

test.each([
  ["exit 3", 3],
  ["exit 0", 0],
  ["kill -KILL $$", 137],
  ["kill -TERM $$; sleep 5", 143],
])("the end of %s is code %i", async (command, code) => {
  const { read } = watch(command);
  await expect.poll(() => parseExit(read("exit"))).toBe(code);
});

test.each([
  ["proc(5)", PROC],
  ["ps(1)", NO_PROC],
])("processes are recognised by their start as %s tells it", async (_name, proc) => {
  const { read } = watch("exec sleep 60", proc);
  await expect.poll(() => parseStarted(read("started"))).toBeDefined();
  const started = parseStarted(read("started"));
  if (!started) throw new Error("not started");
  const { boot, process: its, watcher } = started;
  expect(boot).toBe("boot");
  expect(startOf(its.pid, proc)).toBe(its.start);
  expect(startOf(watcher.pid, proc)).toBe(watcher.start);
  process.kill(its.pid, "SIGKILL");
  await expect.poll(() => startOf(its.pid, proc)).toBeUndefined();
});

test("of two watchers in a folder one starts the process", async () => {
  const { read, start } = watch("echo started >> log; sleep 0.3");
  start();
  start();
  await expect.poll(() => parseExit(read("exit"))).toBe(0);
  expect(read("log")).toBe("started\n");
  // What the others cannot do is no output of the process.
  expect(read("output")).toBe("");
});

test("incomplete files are not believed", () => {
  expect(parseStarted("boot 1 2 3 4")).toBeUndefined();
  expect(parseStarted("")).toBeUndefined();
  expect(parseExit("13")).toBeUndefined();
});
