import { expect, onTestFinished, test } from "vitest";

import { parseFormats } from "#collectors/user-formats/formats-file.ts";
import { chooseFormats, registerFormats } from "#collectors/user-formats/registry.ts";
import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { openMemoryStore } from "../store/memory-store.ts";
import { Ingest } from "./ingest.ts";
import { reprocess } from "./reprocess.ts";
import { logSource } from "./testing-source.ts";

const DEPS = { clock: systemClock, rules: { signIn: [], signOut: [] }, zone: UTC };
const PATH = "/srv/shop/orders.log";
const line = (i: number): string =>
  `order ${i} at 2026-03-14T10:11:${String(i).padStart(2, "0")}Z\n`;
const LINES = Array.from({ length: 20 }, (_, i) => line(i));

function use(pattern: string, paths: readonly string[]): void {
  const text = JSON.stringify({ formats: [{ name: "shop.orders", pattern, paths }] });
  const read = parseFormats(text);
  if (!read.ok) throw new Error(JSON.stringify(read.mistakes));
  registerFormats(read.formats);
  onTestFinished(() => registerFormats([]));
}

const PATTERN = "^order %{INT:order.id:int} at %{TIMESTAMP_ISO8601:@timestamp}";

async function rows(store: ReturnType<ReturnType<typeof openMemoryStore>>) {
  return Object.fromEntries(
    (await store.extents()).map(({ dataset, rows: count }) => [dataset, count]),
  );
}

function openIngest() {
  const store = openMemoryStore()();
  const ingest = new Ingest({ ...DEPS, store, sealAfterMs: 60_000, foldEveryMs: 60_000 });
  const read = (log: string, cuts: readonly number[] = []) =>
    ingest.run(logSource({ path: PATH }, log, cuts), new AbortController().signal);
  return { store, read };
}

test("a format of a user reads the files at its paths, and leaves other lines to other formats", async () => {
  use(PATTERN, ["/srv/*/orders.log"]);
  const { store, read } = openIngest();
  const access =
    '203.0.113.9 - - [14/Mar/2026:10:11:12 +0000] "GET / HTTP/1.1" 200 5 "-" "Probe"\n';
  await read([...LINES, access, "junk\n"].join(""));
  expect(await rows(store)).toEqual({
    "shop.orders": 20,
    "nginx.access": 1,
    "quarterdeck.quarantine": 1,
  });
});

test("a format that is chosen for a source reads its lines first, and is used from then on", async () => {
  use(PATTERN, []);
  const { store, read } = openIngest();
  onTestFinished(() => chooseFormats(new Map()));
  const first = LINES.slice(0, 10).join("");
  await read(first);
  chooseFormats(new Map([[PATH, "shop.orders"]]));
  const access =
    '203.0.113.9 - - [14/Mar/2026:10:11:12 +0000] "GET / HTTP/1.1" 200 5 "-" "Probe"\n';
  await read(`${first}${LINES.slice(10).join("")}${access}`);
  expect(await rows(store)).toEqual({
    "quarterdeck.quarantine": 10,
    "shop.orders": 10,
    "nginx.access": 1,
  });
});

test("lines that were quarantined before there was a format are read again from a time on", async () => {
  const { store, read } = openIngest();
  await read(LINES.join(""));
  expect(await rows(store)).toEqual({ "quarterdeck.quarantine": 20 });
  use(PATTERN, ["/srv/shop/*.log"]);
  const tomorrow = Date.now() + 86_400_000;
  const later = await reprocess({ ...DEPS, store }, { fromMs: tomorrow });
  expect(later.lines).toBe(0);
  await reprocess({ ...DEPS, store }, { fromMs: Date.now() - 86_400_000 });
  expect(await rows(store)).toEqual({ "shop.orders": 20 });
});

test("a changed format is used from the next lines on, and a removed one no longer", async () => {
  use("^nothing %{INT:order.id}", ["/srv/shop/*.log"]);
  const { store, read } = openIngest();
  const first = LINES.slice(0, 10).join("");
  await read(first);
  use(PATTERN, ["/srv/shop/*.log"]);
  const both = `${first}${LINES.slice(10, 15).join("")}`;
  await read(both);
  expect(await rows(store)).toEqual({ "quarterdeck.quarantine": 10, "shop.orders": 5 });
  registerFormats([]);
  await read(`${both}${LINES.slice(15).join("")}`);
  expect(await rows(store)).toEqual({ "quarterdeck.quarantine": 15, "shop.orders": 5 });
});
