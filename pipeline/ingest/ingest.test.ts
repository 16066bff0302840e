import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { Batch } from "#collectors/batch.ts";
import { toDocument } from "#collectors/document.ts";
import type { Chunk, Position, Source } from "#collectors/source.ts";
import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { openEmbeddedStore } from "../store/embedded-store.ts";
import { Ingest } from "./ingest.ts";

const EVENTS = [
  "[Sat Mar 14 10:11:12 2026] [error] [client 203.0.113.9] first",
  "[Sat Mar 14 10:11:13 2026] [error] [client 203.0.113.9] second\n  at main.pl line 4\n  at lib.pl line 9",
  "[Sat Mar 14 10:11:14 2026] [notice] third\n  and its rest",
  "[Sat Mar 14 10:11:15 2026] [notice] fourth",
];
const LOG = EVENTS.map((event) => `${event}\n`).join("");

/** Hands out the log from the stored position on, cut behind the given line ends. */
function sourceOf(log: string, cuts: readonly number[]): Source {
  const bytes = Buffer.from(log);
  return {
    async *read(positions) {
      const sourceId = "src_test";
      let from = positions(sourceId)?.offset ?? 0;
      for (const to of [...cuts, bytes.length].filter((cut) => cut > from)) {
        const offset = from;
        const chunk: Chunk = {
          sourceId,
          path: "/var/log/apache2/error.log",
          bytes: bytes.subarray(offset, to),
          offset,
          position: { offset: to },
          positionAt: (length): Position => ({ offset: offset + length }),
          bytesSkipped: 0,
        };
        yield chunk;
        from = to;
      }
    },
  };
}

function lineEnds(log: string): number[] {
  return [...log.matchAll(/\n/g)].map(({ index }) => index + 1);
}

async function ingested(
  source: Source,
): Promise<{ ingest: Ingest; messages: { offset: unknown; message: unknown }[] }> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-"));
  const messages: { offset: unknown; message: unknown }[] = [];
  try {
    await using store = await openEmbeddedStore({ folder, clock: systemClock });
    const ingest = new Ingest({
      store,
      clock: systemClock,
      rules: { signIn: [], signOut: [] },
      zone: UTC,
      sealAfterMs: 1_000,
      foldEveryMs: 1_000,
      onRows(batch: Batch, from, to) {
        for (let row = from; row < to; row += 1) {
          const { message, "log.offset": offset } = toDocument(batch, row);
          messages.push({ offset, message });
        }
      },
    });
    await ingest.run(source, new AbortController().signal);
    return { ingest, messages };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("an event is whole wherever its lines are cut apart by chunks", async () => {
  const whole = await ingested(sourceOf(LOG, []));
  expect(whole.messages.map(({ message }) => String(message).split("\n").length)).toEqual([
    1, 3, 2, 1,
  ]);
  await fc.assert(
    fc.asyncProperty(fc.subarray(lineEnds(LOG)), async (cuts) => {
      const { messages, ingest } = await ingested(sourceOf(LOG, cuts));
      expect(messages).toEqual(whole.messages);
      expect(ingest.counts).toMatchObject({ lines: 4, events: 4, bytes: LOG.length });
    }),
    { numRuns: 8 },
  );
});

test("the status of a source says how many of its last lines no format understood, and why", async () => {
  const line =
    '203.0.113.9 - - [14/Mar/2026:10:11:12 +0000] "GET / HTTP/1.1" 200 5 "-" "Probe/1.0"\n';
  const log = `${line.repeat(8)}{"level":"info"}\n${line}`;
  const { ingest } = await ingested(sourceOf(log, []));
  const path = "/var/log/apache2/error.log";
  const [status] = ingest.statusWith([{ path, level: "info", message: "read" }]);
  expect(status).toMatchObject({ path, level: "warning" });
  expect(status?.message).toMatch(
    /^read; 1 of its last 10 lines are in quarantine, the last because: ./,
  );
  expect(ingest.counts).toMatchObject({ lines: 10, events: 9, quarantined: 1 });
});
