import { expect, test } from "vitest";

import type { Chunk, Source } from "#collectors/source.ts";
import { UTC } from "#collectors/zone.ts";

import { openMemoryStore } from "../store/memory-store.ts";
import { Ingest } from "./ingest.ts";

const NOW_MS = Date.UTC(2026, 2, 14, 12);
const HOUR_MS = 3_600_000;
const OWN = "[ALERT]    (7) : config : Server app/s1 is DOWN";
const DATED =
  "192.0.2.7:1 [14/Mar/2026:10:11:12.165] web app/s1 0/0/1/5/6 200 9 - - ---- 1/1/0/0/0 0/0";
const DATED_MS = Date.UTC(2026, 2, 14, 10, 11, 12, 165);

/** The times of the events of these lines; a number is the time that passes before the next lines are read. */
async function timesOf(path: string, parts: readonly (string | number)[]): Promise<unknown[]> {
  const clock = { ms: NOW_MS, nowMs: () => clock.ms };
  const source: Source = {
    async *read() {
      let offset = 0;
      for (const part of parts) {
        if (typeof part === "number") clock.ms += part;
        else {
          const bytes = Buffer.from(part);
          const position = { offset: offset + bytes.length };
          const chunk: Chunk = {
            sourceId: "src_test",
            path,
            bytes,
            offset,
            position,
            bytesSkipped: 0,
          };
          yield chunk;
          offset += bytes.length;
        }
      }
    },
  };
  await using store = openMemoryStore()();
  const rules = { signIn: [], signOut: [] };
  const ingest = new Ingest({
    store,
    clock,
    rules,
    zone: UTC,
    sealAfterMs: 60_000,
    foldEveryMs: 60_000,
  });
  await ingest.run(source, new AbortController().signal);
  expect(ingest.counts.quarantined).toBe(0);
  const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, where: [], limit: 100 };
  const events = (await store.search(all)).map(({ fields }) => fields);
  return events
    .toSorted((a, b) => Number(a["log.offset"]) - Number(b["log.offset"]))
    .map((fields) => fields["@timestamp"]);
}

const iso = (ms: number): string => new Date(ms).toISOString();
const PATH = "/var/log/haproxy.log";

test("own lines of HAProxy without a time have the time of the line before", async () => {
  expect(await timesOf(PATH, [`${DATED}\n${OWN}\n${OWN}\n`])).toEqual(Array(3).fill(iso(DATED_MS)));
});

test("own lines of HAProxy before all others have the time of the first line with one", async () => {
  expect(await timesOf(PATH, [`${OWN}\n${OWN}\n${DATED}\n`])).toEqual(Array(3).fill(iso(DATED_MS)));
});

test("an own line of HAProxy that is written hours after the line before has the time at which it is read", async () => {
  const nowLine = DATED.replace("10:11:12.165", "12:00:00.000");
  expect(await timesOf(PATH, [`${nowLine}\n`, 2 * HOUR_MS, `${OWN}\n`])).toEqual([
    iso(NOW_MS),
    iso(NOW_MS + 2 * HOUR_MS),
  ]);
});

test("own lines of HAProxy in a file without any time have the time at which they are read", async () => {
  expect(await timesOf(PATH, [`${OWN}\n`, HOUR_MS, `${OWN}\n`])).toEqual([
    iso(NOW_MS),
    iso(NOW_MS + HOUR_MS),
  ]);
});

test("an own line of HAProxy from a container has the time of the runtime's prefix", async () => {
  expect(await timesOf(PATH, [`2026-03-14T09:00:00.5Z stderr F ${OWN}\n`])).toEqual([
    "2026-03-14T09:00:00.500Z",
  ]);
});

test("a JSON event whose time cannot be read has the time of the line before, otherwise of the reading", async () => {
  const bad = '{"@timestamp":"soon","message":"x","log.level":"info"}';
  const good = bad.replace("soon", "2026-03-14T10:11:12Z");
  const path = "/var/log/app.ndjson";
  expect(await timesOf(path, [`${good}\n${bad}\n`])).toEqual(
    Array(2).fill("2026-03-14T10:11:12.000Z"),
  );
  expect(await timesOf(path, [`${bad}\n`])).toEqual([iso(NOW_MS)]);
});
