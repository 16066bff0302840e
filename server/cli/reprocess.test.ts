import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect, onTestFinished, test } from "vitest";

import type { Command } from "./command.ts";
import { ingestCommand } from "./ingest.ts";
import { reprocessCommand } from "./reprocess.ts";
import { captureOutput } from "./testing-output.ts";

const document = '{"@timestamp":"2026-03-14T10:00:00Z","message":"started"}\n';
const access = (i: number): string =>
  `203.0.113.9 - - [14/Mar/2026:10:00:00 +0000] "GET /${i} HTTP/1.1" 200 5 "-" "Probe/1.0"\n`;

test("the command reads quarantined lines again and reports what they have become", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck reprocess "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const printed = captureOutput();
  const output = (command: Command, ...args: string[]): Promise<string> =>
    printed.of(command, ...args, "--data", path.join(folder, "data"));
  const log = path.join(folder, "app.log");
  const lines = Array.from({ length: 100 }, (_, i) => access(i));
  await writeFile(log, `${document.repeat(200)}${lines.join("")}${"junk\n".repeat(20)}`);
  expect(await output(ingestCommand, log, "--json")).toMatch(/"events":200,"quarantined":120/);
  expect(await output(reprocessCommand, "--path", "/no/such/file")).toMatch(/^0 quarantined lines/);
  expect(await output(reprocessCommand)).toBe(
    "120 quarantined lines → 100 events, 20 stay in quarantine\n  100 nginx.access\n",
  );
  expect(JSON.parse(await output(reprocessCommand, "--json"))).toEqual({
    lines: 20,
    events: {},
    quarantined: 20,
  });
  await expect(reprocessCommand.run(["--format", "no.such"])).rejects.toThrow(/unknown dataset/);
});
