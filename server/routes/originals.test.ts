import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { expect, onTestFinished, test } from "vitest";

import { Batch } from "#collectors/batch.ts";
import { addDocument } from "#collectors/document.ts";
import { UTC } from "#collectors/zone.ts";
import { Ingest } from "#pipeline/ingest/ingest.ts";
import { logSource } from "#pipeline/ingest/testing-source.ts";
import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import { systemClock as clock } from "#platform/clock.ts";
import { serveRoutes } from "#platform/http/testing.ts";
import { silentLog } from "#platform/log.ts";

import { FOLLOW_EVENTS } from "./events.ts";
import { originalRoutes } from "./originals.ts";

const CLI = fileURLToPath(new URL("../../bin/cli.mjs", import.meta.url));
const lineOf = (i: number, path = `/${i}`): string =>
  `203.0.113.5 - - [14/Mar/2026:10:${String(Math.floor(i / 60) % 60).padStart(2, "0")}:${String(i % 60).padStart(2, "0")} +0000] "GET ${path} HTTP/1.1" ${i % 10 === 0 ? 404 : 200} 5 "-" "Probe/1.0"`;

const LATIN1 = Buffer.from(lineOf(3000, "/caf\xe9"), "latin1");
const LONG = Buffer.from(lineOf(3001, `/${"x".repeat(200_000)}`));
const LINES = [
  ...Array.from({ length: 3000 }, (_, i) => Buffer.from(lineOf(i))),
  LATIN1,
  LONG,
  Buffer.from(`${lineOf(3002)}\r`),
];
const joined = (lines: readonly Buffer[]): Buffer =>
  Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")]));

/** A data folder with the lines, stored in several segments, and an event that has none. */
async function fill(): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), "quarterdeck-originals-"));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  await using store = await openStore({ url: storeUrlIn(data), clock });
  const log = joined(LINES);
  for (const part of [0.2, 0.5, 0.9, 1]) {
    const lines = LINES.slice(0, Math.ceil(part * LINES.length));
    const deps = { store, clock, rules: { signIn: [], signOut: [] }, zone: UTC };
    const ingest = new Ingest({ ...deps, sealAfterMs: 60_000, foldEveryMs: 60_000 });
    const source = logSource({ path: "/srv/a.log" }, log.subarray(0, joined(lines).length));
    await ingest.run(source, new AbortController().signal);
  }
  const batch = new Batch(1);
  const pushed = { message: "pushed", "log.source.id": "src_b", "log.offset": 1 };
  addDocument(batch, { ...pushed, "@timestamp": "2026-03-14T10:00:00Z" });
  await store.append(batch, [], new Map([["src_b", { offset: 2 }]]));
  return data;
}

async function serve(data: string) {
  const store = await openStore({ url: storeUrlIn(data), clock });
  onTestFinished(() => store[Symbol.asyncDispose]());
  const workspace = (): { kind: "logs"; store: typeof store } => ({ kind: "logs", store });
  const served = await serveRoutes(originalRoutes({ workspace, clock }), {
    access: {
      authenticate: (_, address) => ({ kind: "member", id: "mem_1", address }),
      authorise: () => undefined,
    },
    log: silentLog(),
    clock,
  });
  onTestFinished(() => served[Symbol.asyncDispose]());
  return { url: served.url, store };
}

const RANGE = "from=2026-03-14T00:00:00Z&to=2026-03-15T00:00:00Z";

test("the lines of a search are streamed byte for byte, in their order, over several pages", async () => {
  const { url } = await serve(await fill());
  const response = await fetch(`${url}/api/events/original?${RANGE}`);
  expect(response.headers.get("content-disposition")).toContain("attachment");
  const found = Buffer.from(await response.arrayBuffer());
  expect(found.length).toBe(joined(LINES).length);
  expect(found.equals(joined(LINES))).toBe(true);
  const missing = await fetch(`${url}/api/events/original?${RANGE}&q=status:404`);
  const notFound = LINES.slice(0, 3000).filter((_, i) => i % 10 === 0);
  expect(Buffer.from(await missing.arrayBuffer()).equals(joined([...notFound, LATIN1]))).toBe(true);
});

test("an invalid search is answered with its mistake", async () => {
  const { url } = await serve(await fill());
  const response = await fetch(`${url}/api/events/original?${RANGE}&q=status:abc`);
  expect(response.status).toBe(400);
  expect(Object(await response.json()).detail).toContain("status");
});

test("the line of one event is its bytes, and one without a line is reported", async () => {
  const { url, store } = await serve(await fill());
  const [event] = await store.search({
    fromMs: 0,
    toMs: Number.MAX_SAFE_INTEGER,
    where: [{ field: "*", op: "contains", value: "/caf" }],
    limit: 10,
  });
  const response = await fetch(`${url}/api/event/original?id=${event?.id}`);
  expect(Buffer.from(await response.arrayBuffer()).equals(LATIN1)).toBe(true);
  const none = await fetch(`${url}/api/event/original?id=src_b:1`);
  expect(none.status).toBe(404);
  expect(Object(await none.json()).detail).toContain("no original line");
});

test("original lines require the grant of raw events", () => {
  const deps = { workspace: () => Object(undefined), clock };
  expect(originalRoutes(deps).map(({ rule }) => rule)).toEqual([FOLLOW_EVENTS, FOLLOW_EVENTS]);
});

test("the command prints the original lines, and the number of events without one", async () => {
  const data = await fill();
  const args = [CLI, "query", "--original", "--data", data];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const [out, errors] = await Promise.all([buffer(child.stdout), text(child.stderr)]);
  if (child.exitCode === null) await once(child, "exit");
  expect(out.equals(joined(LINES))).toBe(true);
  expect(errors).toContain("1 matching event has no original line");
  expect(child.exitCode).toBe(0);
});
