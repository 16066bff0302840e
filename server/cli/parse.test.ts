import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

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

test("--processing shows what would be stored, also of lines that no format can parse", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-parse-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "processing.yaml");
  await writeFile(
    file,
    "redact: [{}]\nuserAgents: true\ndrop: [{ name: all, where: 'status:304' }]\n",
  );
  const input = `${LINE.replace("GET /", "GET /?password=hunter2")}no line of joe@example.com\n`;
  const env = { QUARTERDECK_PROCESSING: file };
  const { stdout, output, code } = await runProgram(["parse", "--processing"], { input, env });
  expect(code, output).toBe(0);
  expect(stdout).not.toMatch(/hunter2|joe/);
  const [event, other] = stdout.trimEnd().split("\n");
  expect(event).toContain('"query":"password=[redacted:password]"');
  expect(event).toContain('"user_agent":{"name":"Other"');
  expect(other).toContain('"original":"no line of [redacted:email]"');
});
