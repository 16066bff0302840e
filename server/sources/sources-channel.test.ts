import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { sourcesOf } from "./source-rows.ts";
import { askForSourceRows, serveSourceRows } from "./sources-channel.ts";
import { fileWith } from "./testing-sources.ts";

test("a command gets the present state of the sources from the control plane of its data folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sources-channel-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = fileWith("sources:\n  - {id: web, kind: files, paths: [/a]}\n").file();
  const rows = sourcesOf({
    statuses: [],
    receivers: [],
    activities: [],
    file,
    storeError: null,
    busError: null,
    nowMs: 0,
  }).map(({ row }) => row);
  const served = await serveSourceRows(folder, () => rows);
  onTestFinished(() => served[Symbol.asyncDispose]());
  expect(await askForSourceRows(folder)).toEqual({ rows });
});
