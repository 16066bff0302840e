import { expect, test } from "vitest";

import { runProgram } from "../../tests/harness/program.ts";

const LINE =
  '203.0.113.9 - - [14/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 304 - "-" "Probe/1.0"\n';

test("the format is detected behind a line of 100 kB, and every line is printed once", async () => {
  const input = `${"x".repeat(100_000)}\n${LINE.repeat(5)}`;
  const { stdout, code } = await runProgram(["parse"], { input });
  expect(code).toBe(0);
  const documents = stdout.trimEnd().split("\n");
  expect(documents).toHaveLength(6);
  expect(documents.filter((it) => it.includes('"dataset":"apache.access"'))).toHaveLength(5);
});
