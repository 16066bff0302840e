import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";

import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import type { Chunk, Revocation } from "../source.ts";
import { OpenSources } from "./open-sources.ts";
import { type SourceKind, sourceKind } from "./source-kind.ts";
import type { ConfiguredSource } from "./sources-file.ts";

const SOON = { timeout: 10_000 };

type Seen = { opened: string[]; closed: string[] };

/** A kind whose sources yield one line and then wait until they are stopped. */
const waitingKind = (seen: Seen, failures: string[] = []): SourceKind =>
  sourceKind({
    kind: "waiting",
    title: "Waiting",
    summary: "Waits",
    schema: z.strictObject({ text: z.string() }),
    open({ text }, { id }) {
      seen.opened.push(`${id} ${text}`);
      const failure = failures.shift();
      if (failure !== undefined) throw new AppError("unavailable", failure);
      return {
        async *read(_positions, signal) {
          yield chunkOf(`src_${text}`, text);
          await delay(60_000, undefined, { signal }).catch(() => undefined);
        },
        status: () => [{ path: `host ${text}`, message: "is read", level: "info" }],
        async [Symbol.asyncDispose]() {
          seen.closed.push(`${id} ${text}`);
        },
      };
    },
  });

const chunkOf = (sourceId: `src_${string}`, text: string): Chunk => ({
  sourceId,
  path: text,
  bytes: Buffer.from(`${text}\n`),
  offset: 0,
  position: { offset: text.length },
  bytesSkipped: 0,
});

const configured = (kind: SourceKind, id: string, text: string): ConfiguredSource => ({
  id,
  kind,
  format: undefined,
  properties: { text },
});

async function opened(
  locksFolder?: string,
): Promise<{ sources: OpenSources; items: (string | Revocation)[]; folder: string }> {
  const folder = locksFolder ?? (await mkdtemp(join(tmpdir(), "sources-")));
  if (locksFolder === undefined) {
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
  }
  const sources = new OpenSources({ clock: systemClock, dataFolder: folder, locksFolder: folder });
  const items: (string | Revocation)[] = [];
  const stopping = new AbortController();
  const reading = (async () => {
    for await (const item of sources.read(async () => new Map(), stopping.signal)) {
      items.push("bytes" in item ? `${item.source} ${Buffer.from(item.bytes).toString()}` : item);
    }
  })();
  onTestFinished(async () => {
    stopping.abort();
    await reading;
    await sources[Symbol.asyncDispose]();
  });
  return { sources, items, folder };
}

test("sources are added, changed and removed while others are read, each closed after its lines are stored", async () => {
  const seen: Seen = { opened: [], closed: [] };
  const kind = waitingKind(seen);
  const { sources, items } = await opened();
  sources.apply([configured(kind, "a", "one")]);
  await vi.waitFor(() => expect(items).toEqual(["a one\n"]), SOON);
  sources.apply([configured(kind, "a", "one"), configured(kind, "b", "two")]);
  await vi.waitFor(() => expect(items).toEqual(["a one\n", "b two\n"]), SOON);
  expect(sources.status().map(({ source, path }) => `${source} ${path}`)).toEqual([
    "a host one",
    "b host two",
  ]);
  sources.apply([configured(kind, "b", "three")]);
  const released = [{ revokedSource: "a" }, { revokedSource: "b" }];
  await vi.waitFor(() => {
    expect(items).toContain("b three\n");
    expect(items.slice(2, 4)).toEqual(released);
  }, SOON);
  expect(seen.closed).toEqual(["a one", "b two"]);
  expect(seen.opened).toEqual(["a one", "b two", "b three"]);
  expect(sources.status().map(({ source }) => source)).toEqual(["b"]);
});

test("a source that cannot be opened states why, and is opened again without delaying others", async () => {
  const seen: Seen = { opened: [], closed: [] };
  const { sources, items } = await opened();
  sources.apply([
    configured(waitingKind(seen, ["the host is unknown: check its name"]), "a", "one"),
    configured(waitingKind(seen), "b", "two"),
  ]);
  await vi.waitFor(() => expect(items).toContain("b two\n"), SOON);
  const refused = {
    path: "Waiting a",
    level: "error",
    message: "the host is unknown: check its name; it is opened again in 1 s",
    source: "a",
  };
  await vi.waitFor(() => expect(sources.status()).toContainEqual(refused), SOON);
  await vi.waitFor(() => expect(items).toContain("a one\n"), SOON);
  expect(sources.status().map(({ level }) => level)).toEqual(["info", "info"]);
});

test("of several readers with the same data folder one reads a source", async () => {
  const seen: Seen = { opened: [], closed: [] };
  const source = configured(waitingKind(seen), "a", "one");
  const first = await opened();
  first.sources.apply([source]);
  await vi.waitFor(() => expect(first.items).toEqual(["a one\n"]), SOON);
  const second = await opened(first.folder);
  second.sources.apply([source]);
  const message = "is read by another Quarterdeck process with the same data folder";
  await vi.waitFor(
    () => expect(second.sources.status()).toMatchObject([{ message, source: "a" }]),
    SOON,
  );
  expect(seen.opened).toEqual(["a one"]);
});
