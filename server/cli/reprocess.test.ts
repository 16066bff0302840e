import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { Batch } from "#collectors/batch.ts";
import { registerFormats } from "#collectors/user-formats/registry.ts";
import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import { systemClock } from "#platform/clock.ts";

import type { Command } from "./command.ts";
import { formatCommand } from "./format.ts";
import { ingestCommand } from "./ingest.ts";
import { reprocessCommand } from "./reprocess.ts";
import { captureOutput } from "./testing-output.ts";

const access = (i: number): string =>
  `203.0.113.9 - - [14/Mar/2026:10:00:00 +0000] "GET /${i} HTTP/1.1" 200 5 "-" "Probe/1.0"`;

/** Quarantined lines, as an earlier version stored them that could not parse them. */
function quarantined(lines: readonly string[]): Batch {
  const batch = new Batch(lines.length);
  for (const [row, line] of lines.entries()) {
    batch.number("@timestamp").put(row, Date.UTC(2026, 2, 14));
    batch.text("data_stream.dataset").putText(row, "quarterdeck.quarantine");
    batch.text("event.original").putText(row, line);
    batch.text("log.source.id").putText(row, "src_a");
    batch.number("log.offset").put(row, row);
    batch.commit();
  }
  return batch;
}

test("the command reads quarantined lines again and reports what they have become", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck reprocess "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const printed = captureOutput();
  const output = (command: Command, ...args: string[]): Promise<string> =>
    printed.of(command, ...args, "--data", path.join(folder, "data"));
  {
    const url = storeUrlIn(path.join(folder, "data"));
    await using store = await openStore({ url, clock: systemClock });
    const lines = [...Array.from({ length: 100 }, (_, i) => access(i)), ...Array(20).fill("junk")];
    await store.append(quarantined(lines), [], new Map([["src_a", { offset: 120 }]]));
  }
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

test("the command reads all events of a source again in a new format, and says what was left and why", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck reread "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  onTestFinished(() => registerFormats([]));
  const printed = captureOutput();
  const output = (command: Command, ...args: string[]): Promise<string> =>
    printed.of(command, ...args, "--data", path.join(folder, "data"));
  const log = path.join(folder, "shop.log");
  const order = (i: number): string => `2026-03-14T10:00:0${i % 10}Z INFO order ${i} paid`;
  const trace = "2026-03-14T10:00:09Z ERROR failed\njava.lang.Error: x\n\tat a.B.c(B.java:1)";
  const lines = [...Array.from({ length: 30 }, (_, i) => order(i)), trace];
  await writeFile(log, `${lines.join("\n")}\n`);
  await output(ingestCommand, log);
  const pattern = "order %{INT:order.id:int} %{WORD:order.state}";
  await output(formatCommand, "add", "shop.orders", "--pattern", pattern);
  const json = JSON.parse(
    await output(reprocessCommand, "--source", log, "--from", "now", "--json"),
  );
  expect(json).toEqual({ lines: 0, events: {}, same: 0, left: {} });
  expect(await output(reprocessCommand, "--source", log, "--format", "shop.orders")).toBe(
    `31 events read again → 30 changed, 0 the same as before, 1 left as they were
  30 shop.orders
  1 left: they have several lines, of which the format would read one
`,
  );
  expect(await output(reprocessCommand, "--source", log)).toMatch(
    /^31 events read again → 0 changed, 31 the same/,
  );
  await expect(output(reprocessCommand, "--source", "shop")).rejects.toThrow("no source shop");
  await expect(output(reprocessCommand, "--source", "token/a")).rejects.toThrow("log.file.path");
  await expect(output(reprocessCommand, "--source", "a", "--path", "b")).rejects.toThrow("--path");
});
