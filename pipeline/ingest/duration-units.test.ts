import { expect, test } from "vitest";

import { durationRules } from "#collectors/duration-rules.ts";
import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { openMemoryStore } from "../store/memory-store.ts";
import type { EventStore } from "../store/port.ts";
import { Ingest } from "./ingest.ts";
import { logSource } from "./testing-source.ts";

const PATH = "/srv/site/requests.log";

const log = (values: readonly (number | string)[]): string =>
  values
    .map(
      (value) =>
        `203.0.113.9 - - [14/Mar/2026:10:11:12 +0000] "GET /a HTTP/1.1" 200 - "-" "Probe/1.0" request_time=${value}\n`,
    )
    .join("");

/** Reads the log into the store; returns its durations in ms, and the status of the file. */
async function ingest(
  store: EventStore,
  text: string,
  options: { cuts?: number[]; rules?: string[] } = {},
): Promise<{ durations: unknown[]; status: string }> {
  const run = new Ingest({
    store,
    clock: systemClock,
    rules: { signIn: [], signOut: [] },
    zone: UTC,
    unitOf: durationRules(options.rules ?? []),
    sealAfterMs: 60_000,
    foldEveryMs: 60_000,
  });
  await run.run(logSource({ path: PATH }, text, options.cuts), new AbortController().signal);
  const [status] = run.statusWith([{ path: PATH, level: "info", message: "read" }]);
  const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, where: [], limit: 1000 };
  const found = (await store.search(all)).map(({ fields }) => fields);
  const sorted = found.toSorted((a, b) => Number(a["log.offset"]) - Number(b["log.offset"]));
  return {
    durations: sorted.map((fields) => Number(fields["event.duration"]) / 1e6),
    status: status?.message ?? "",
  };
}

test("the unit is decided by many lines, and the status of the file shows the guess", async () => {
  await using store = openMemoryStore()();
  const { durations, status } = await ingest(store, log([150, 562_626, 48_000]));
  expect(durations).toEqual([0.15, 562.626, 48]);
  expect(status).toContain("request_time is read as microseconds");
  expect(status).toContain("QUARTERDECK_DURATION_UNITS");
});

test("a restart keeps the unit of a stream", async () => {
  await using store = openMemoryStore()();
  const first = log([12, 5, 80, 340, 22]);
  await ingest(store, first);
  const { durations } = await ingest(store, first + log([1500]));
  expect(durations).toEqual([12, 5, 80, 340, 22, 1500]);
});

test("a setting overrides the guess, for its path and field only", async () => {
  await using store = openMemoryStore()();
  const rules = ["/other/*.log request_time s", "/srv/*/*.log request_time ms"];
  const { durations, status } = await ingest(store, log([562_626]), { rules });
  expect(durations).toEqual([562_626]);
  expect(status).not.toContain("guessed");
});

test("a change of the unit is reported", async () => {
  await using store = openMemoryStore()();
  const first = log([150_000]);
  const later = log(Array.from({ length: 300 }, (_, i) => i % 40));
  const { status } = await ingest(store, first + later, { cuts: [first.length] });
  expect(status).toContain("request_time is read as milliseconds (earlier lines in microseconds)");
});
