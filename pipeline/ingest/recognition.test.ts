import { expect, test } from "vitest";

import { zoneOf } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { openMemoryStore } from "../store/memory-store.ts";
import type { EventStore } from "../store/port.ts";
import { Ingest } from "./ingest.ts";
import { storedRecognition } from "./recognition.ts";
import { logSource } from "./testing-source.ts";

const PATH = "/srv/site/requests.log";
const access = (n: number): string =>
  `203.0.113.9 - - [14/Mar/2026:10:11:12 +0000] "GET /${n} HTTP/1.1" 200 5 "-" "x" request_time=${562_000 + n}\n`;
const ERROR = "2026/03/14 10:11:12 [error] 12#34: *5 failed\n";
const LOG = Array.from({ length: 40 }, (_, n) => access(n)).join("") + ERROR + access(40);

/** What the status of the source states after this log was read. */
async function statusOf(store: EventStore, log: string): Promise<string | undefined> {
  const ingest = new Ingest({
    store,
    clock: systemClock,
    rules: { signIn: [], signOut: [] },
    zone: zoneOf("Asia/Kolkata"),
    sealAfterMs: 60_000,
    foldEveryMs: 60_000,
  });
  await ingest.run(logSource({ path: PATH }, log), new AbortController().signal);
  return ingest.statusWith([{ path: PATH, level: "info", message: "is read" }])[0]?.message;
}

const DECIDED =
  "events by dataset: nginx.access 41, nginx.error 1; times without a zone are read as Asia/Kolkata (QUARTERDECK_TIMEZONE overrides it); guessed from the size of the numbers: request_time is read as microseconds (QUARTERDECK_DURATION_UNITS overrides it)";

test("the status of a source has its events by dataset, the zone of times without one, and the guessed units, also after a restart", async () => {
  await using store = openMemoryStore()();
  expect(await statusOf(store, LOG)).toBe(`is read; ${DECIDED}`);
  // Nothing is read again.
  expect(await statusOf(store, LOG)).toBe(`is read; ${DECIDED}`);
  const more = DECIDED.replace("access 41", "access 42");
  expect(await statusOf(store, LOG + access(41))).toBe(`is read; ${more}`);
});

test("the number of quarantined lines of a source is kept over a restart", async () => {
  await using store = openMemoryStore()();
  const log = access(0) + "junk\n" + access(1);
  for (let run = 0; run < 2; run += 1) {
    expect(await statusOf(store, log)).toContain(
      "events by dataset: nginx.access 2, quarterdeck.quarantine 1",
    );
  }
});

test("a position without counts, of an earlier version, has the formats", () => {
  const position = { offset: 7, "stream.format": "nginx.access", "stream.formats": "nginx.error" };
  expect(storedRecognition(position)).toBe("format: nginx.access, nginx.error");
  expect(storedRecognition({ offset: 7 })).toBeUndefined();
});
