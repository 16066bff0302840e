import { expect, test } from "vitest";

import { Batch } from "#collectors/batch.ts";
import type { FormatContext } from "#collectors/format.ts";
import { formatNamed } from "#collectors/formats/index.ts";
import type { Chunk, SourceId } from "#collectors/source.ts";
import { UTC } from "#collectors/zone.ts";

import { StoredFormats } from "./stored-formats.ts";
import { Streams } from "./streams.ts";

const HOUR_MS = 3_600_000;
const FIRST_MS = Date.UTC(2026, 2, 14);
const LINE =
  '203.0.113.9 - - [14/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 304 - "-" "Probe/1.0"\n';

function openStreams() {
  const context: FormatContext = { zone: UTC, nowMs: FIRST_MS };
  return { context, streams: new Streams(new Batch(100), context) };
}

function read(streams: Streams, sourceId: SourceId, text = LINE): Chunk[] {
  const bytes = Buffer.from(text);
  const chunk = { sourceId, path: "/srv/site.log", bytes, offset: 0 };
  const whole: Chunk = { ...chunk, position: { offset: bytes.length }, bytesSkipped: 0 };
  return streams.ready(streams.of(whole), whole);
}

test("a year of hourly rotations leaves the streams of two days, and those that are still read", () => {
  const { context, streams } = openStreams();
  let most = 0;
  for (let hour = 0; hour < 365 * 24; hour += 1) {
    context.nowMs = FIRST_MS + hour * HOUR_MS;
    read(streams, `src_${hour}`);
    read(streams, "src_steady");
    most = Math.max(most, [...streams.all()].length);
  }
  expect(most).toBeLessThanOrEqual(50);
  expect([...streams.all()].map(({ id }) => id)).toContain("src_steady");
});

test("a stream that continues after days has the format of its stored position", () => {
  const { context, streams } = openStreams();
  read(streams, "src_a");
  context.nowMs += 72 * HOUR_MS;
  streams.update(new Map([["src_a", { offset: 9, "stream.format": "ecs" }]]));
  read(streams, "src_b");
  expect([...streams.all()].map(({ id }) => id)).toEqual(["src_b"]);
  read(streams, "src_a");
  expect([...streams.all()].at(-1)?.formats.main?.dataset).toBe("ecs");
});

test("lines that are held are not forgotten", () => {
  const { context, streams } = openStreams();
  expect(read(streams, "src_a", "not a known format\n")).toEqual([]);
  context.nowMs += 72 * HOUR_MS;
  read(streams, "src_b");
  expect([...streams.all()].map(({ id }) => id)).toEqual(["src_a", "src_b"]);
});

test("the formats of the latest logs are remembered, of a limited number of paths", () => {
  const formats = new StoredFormats();
  const format = formatNamed("apache.access");
  for (let i = 0; i < 10_010; i += 1) {
    formats.note(`/srv/${i}/access.log`, [format]);
    formats.note("/srv/site/access.log", [format]);
  }
  const of = (path: string) => formats.of({ sourceId: "src_new", path })[0];
  expect(of("/srv/0/access.log")).toBeUndefined();
  expect([of("/srv/10009/access.log"), of("/srv/site/access.log.1")]).toEqual([format, format]);
});

test("of streams that senders name, the thousand that were read last are kept", () => {
  const { streams } = openStreams();
  const bytes = Buffer.from(LINE);
  for (let n = 0; n < 3_000; n += 1) {
    for (const stream of [`stream ${n}`, "steady"]) {
      const header = { stream, fields: {} };
      const chunk: Chunk = {
        sourceId: "src_bus",
        path: "",
        bytes,
        offset: 0,
        position: { offset: 0 },
        bytesSkipped: 0,
        header,
      };
      streams.of(chunk);
    }
  }
  expect([...streams.all()]).toHaveLength(1_000);
});
