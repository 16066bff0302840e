import { Readable } from "node:stream";

import { expect, test } from "vitest";

import type { S3Api } from "./s3-api.ts";
import { S3Source } from "./s3-source.ts";

const MIB = 1024 * 1024;
/** For a larger one: QUARTERDECK_OBJECT_MIB=5120 npx vitest run collectors/sources/aws/large-object.test.ts */
const OBJECT_MIB = Number(process.env["QUARTERDECK_OBJECT_MIB"] ?? 256);
const MEMORY_BYTES_MAX = 64 * MIB;
/** A MiB of lines. */
const PART = Buffer.from(`${"x".repeat(127)}\n`.repeat(MIB / 128));

function* parts(): Generator<Buffer, void> {
  for (let n = 0; n < OBJECT_MIB; n += 1) yield PART;
}

const S3: S3Api = {
  get: async () => ({
    etag: "e",
    size: OBJECT_MIB * MIB,
    metadata: {},
    body: Readable.from(parts(), { highWaterMark: 1 }),
  }),
  list: async () => ({
    objects: [{ bucket: "b", key: "large", etag: "e", size: OBJECT_MIB * MIB, modifiedMs: 1 }],
    isLast: true,
  }),
  close: () => undefined,
};

test(`an object of ${OBJECT_MIB} MiB is read in bounded memory`, { timeout: 600_000 }, async () => {
  const source = new S3Source(
    {
      place: { bucket: "b", queue: undefined },
      prefix: "",
      fromMs: 0,
      listEveryMs: 60_000,
      visibilitySeconds: 60,
      clock: { nowMs: () => 2 },
    },
    { s3: S3, queue: undefined },
  );
  const stop = new AbortController();
  const before = process.memoryUsage().arrayBuffers;
  let bytes = 0;
  let memoryMax = 0;
  for await (const chunk of source.read(async () => new Map(), stop.signal)) {
    bytes += chunk.bytes.length;
    memoryMax = Math.max(memoryMax, process.memoryUsage().arrayBuffers - before);
    if (bytes === OBJECT_MIB * MIB) stop.abort();
  }
  expect(bytes).toBe(OBJECT_MIB * MIB);
  expect(memoryMax).toBeLessThan(MEMORY_BYTES_MAX);
});
