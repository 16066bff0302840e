import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { openLog } from "./log.ts";
import { RotatingFile } from "./rotating-file.ts";
import { openTerminal, printable } from "./terminal.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "qd log "));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("log lines are ECS documents, mask secrets, and are readable by the owner only", () => {
  const file = path.join(folder, "logs", "quarterdeck.log");
  const log = openLog({ file, level: "info", clock: { nowMs: () => 0 } });
  log.debug("below the level");
  log.child({ "url.path": "/api/session" }).error("it broke", {
    error: new TypeError("outer", { cause: new Error("inner") }),
    password: "hunter2",
    headers: { cookie: "hunter2" },
  });
  log.close();
  const text = readFileSync(file, "utf8");
  expect(text).not.toContain("hunter2");
  expect(text).not.toContain("below the level");
  const line: unknown = JSON.parse(text);
  expect(line).toMatchObject({
    "@timestamp": "1970-01-01T00:00:00.000Z",
    "log.level": "error",
    "service.name": "quarterdeck",
    "url.path": "/api/session",
    message: "it broke",
    error: { type: "TypeError", message: "outer", stack_trace: expect.stringContaining("inner") },
  });
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("a rotated file never exceeds its maximum size and keeps the newest lines", () => {
  const file = path.join(folder, "x.log");
  const lines = new RotatingFile(file, { bytesMax: 100, oldFilesMax: 2 });
  for (let index = 0; index < 100; index += 1) lines.write(`line ${index} of a hundred\n`);
  lines.close();
  expect(readdirSync(folder).toSorted()).toEqual(["x.log", "x.log.1", "x.log.2"]);
  expect(readFileSync(file, "utf8")).toContain("line 99 ");
  expect(statSync(`${file}.1`).size).toBeLessThan(200);
});

test("external text cannot control the terminal", () => {
  expect(printable("a\u001B[2J\u009B31m\u202Eb\tc\r")).toBe("a\\x1b[2J\\x9b31m\\u202eb\tc\\x0d");
});

test("lines and progress show control and invisible characters as escapes", () => {
  let written = "";
  const output = { isTTY: false, write: (text: string) => (written += text) };
  const terminal = openTerminal(output, { nowMs: () => 0 });
  terminal.line("a\u001B[2J\u202Eb\nc");
  terminal.progress(() => "d\u2066\u200B\u{E0041}e");
  expect(written).toBe(
    String.raw`a\x1b[2J\u202eb` + "\nc\n" + String.raw`d\u2066\u200b\udb40\udc41e` + "\n",
  );
});

test("progress is one updated line on a terminal and a few plain lines elsewhere", () => {
  for (const isTTY of [true, false]) {
    let nowMs = 0;
    let written = "";
    const terminal = openTerminal(
      { isTTY, columns: 20, write: (text) => (written += text) },
      { nowMs: () => nowMs },
    );
    for (; nowMs < 10_000; nowMs += 1_000) {
      const step = `step ${nowMs}`;
      terminal.progress(() => step);
    }
    terminal.done();
    expect(written.split("\n").length - 1).toBe(isTTY ? 1 : 3);
    expect(written).toContain("step 9000");
    expect(written.includes("\r")).toBe(isTTY);
  }
});
