import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test, vi } from "vitest";

import { eachLine } from "#collectors/lines.ts";
import { systemClock } from "#platform/clock.ts";

import { openLogs } from "./open-logs.ts";

const SOON = { timeout: 20_000 };

async function following(paths: readonly string[], folder: string) {
  const stopping = new AbortController();
  const logs = await openLogs(
    { paths, locksFolder: join(folder, "locks"), sourcesFolder: folder },
    systemClock,
    stopping.signal,
  );
  const lines: string[] = [];
  const reading = (async () => {
    for await (const item of logs.read(async () => new Map(), stopping.signal)) {
      if (!("bytes" in item)) continue;
      const text = Buffer.from(item.bytes);
      eachLine(item, (start, end) =>
        lines.push(`${item.source}: ${text.toString("utf8", start, end)}`),
      );
    }
  })();
  onTestFinished(async () => {
    stopping.abort();
    await reading;
    await logs[Symbol.asyncDispose]();
  });
  return { logs, lines };
}

test("files are added and removed by the sources file without a restart, and continue where they were left", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sources-file-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const save = async (text: string): Promise<void> => {
    await writeFile(join(folder, "draft"), text);
    await rename(join(folder, "draft"), join(folder, "sources.yaml"));
  };
  const [first, second] = [join(folder, "first.log"), join(folder, "second.log")] as const;
  await writeFile(first, "a\n");
  await writeFile(second, "b\n");
  const { logs, lines } = await following([first], folder);
  await vi.waitFor(() => expect(lines).toEqual([`${first}: a`]), SOON);

  const both = `sources:\n  - id: other\n    kind: files\n    paths: ["${folder}/sec*.log"]\n`;
  await save(both);
  await vi.waitFor(() => expect(lines.slice(1)).toEqual(["other: b"]), SOON);
  expect(logs.status().map(({ source }) => source)).toEqual([first, "other"]);

  await save(`exclude: ["${first}"]\n`);
  await vi.waitFor(() => expect(logs.status()).toEqual([]), SOON);
  await writeFile(first, "a\nc\n");
  await writeFile(second, "b\nd\n");

  await save(`${both}    pathes: []\n`);
  await vi.waitFor(() => {
    expect(logs.status()[0]?.message).toContain(
      "line 5, sources.0.pathes: there is no such property",
    );
  }, SOON);
  expect(lines).toHaveLength(2);

  await save(both);
  await vi.waitFor(
    () => expect(lines.slice(2).toSorted()).toEqual([`${first}: c`, "other: d"].toSorted()),
    SOON,
  );
});
