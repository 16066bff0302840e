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

test("the offsets of syslog headers that times without a zone are read with are named, also after a restart", async () => {
  await using store = openMemoryStore()();
  const request = `192.0.2.7:5 [14/Mar/2026:10:11:12.165] web~ app/s1 0/0/1/3/5 404 90 - - ---- 4/2/1/1/0 0/0 "GET / HTTP/1.1"`;
  const haproxy = (offset: string): string =>
    `2026-03-14T10:11:12${offset} edge-1 haproxy[44]: ${request}\n`;
  const nginx = `2026-03-14T10:11:12-03:30 edge-1 nginx[4]: 2026/03/14 10:11:12 [error] 12#34: *5 failed\n`;
  const named = "times without a zone are read with the offset of their syslog header";
  const log = haproxy("+01:00").repeat(20);
  for (let run = 0; run < 2; run += 1) {
    expect(await statusOf(store, log)).toBe(
      `is read; events by dataset: haproxy.log 20; ${named} (+01:00)`,
    );
  }
  expect(await statusOf(store, log + nginx)).toContain(`${named} (+01:00, -03:30)`);
  expect(await statusOf(store, log + nginx + ERROR)).toContain(
    `times without a zone are read as Asia/Kolkata (QUARTERDECK_TIMEZONE overrides it), or with the offset of their syslog header (+01:00, -03:30)`,
  );
});
