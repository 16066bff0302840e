import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Position, SourceId } from "#collectors/source.ts";

import { objectIdOf, type ObjectRef } from "./object-ref.ts";
import { type ListedObject, type S3Api, UnreadableObject } from "./s3-api.ts";
import { type S3Options, S3Source } from "./s3-source.ts";

const HOUR_MS = 3_600_000;

/** Objects in memory, in the order of their keys. */
class Bucket {
  readonly objects = new Map<string, { bytes: Buffer; modifiedMs: number }>();
  readonly forbidden = new Set<string>();
  gets = 0;
  #onListedAgain = (): void => undefined;
  #wasListed = false;
  /** Called with the offset of each request of an object. */
  onGet: (offset: number) => void = () => undefined;
  /** Connections break after so many bytes. */
  brokenAfter = Infinity;

  put(key: string, content: string | Buffer, modifiedMs = 1): void {
    this.objects.set(key, { bytes: Buffer.from(content), modifiedMs });
  }

  #etag({ key }: Pick<ObjectRef, "key">): string {
    const bytes = this.objects.get(key)?.bytes.toString("latin1") ?? "";
    return objectIdOf({ bucket: "b", key: bytes, etag: undefined, size: undefined }, "");
  }

  /** Calls the listener when the bucket is listed once more after a complete listing. */
  startListing(onListedAgain: () => void): void {
    this.#wasListed = false;
    this.#onListedAgain = onListedAgain;
  }

  readonly api: S3Api = {
    get: async (ref, { offset, etag }) => {
      this.gets += 1;
      this.onGet(offset);
      const object = this.objects.get(ref.key);
      if (etag !== undefined && etag !== this.#etag(ref)) {
        throw new UnreadableObject("was replaced while it was read", "replaced");
      }
      if (this.forbidden.has(ref.key)) throw new UnreadableObject("may not be read", "denied");
      if (!object) throw new UnreadableObject("does not exist any more", "gone");
      const { bytes } = object;
      const body = Readable.from(pieces(bytes.subarray(offset), this.brokenAfter));
      return { etag: this.#etag(ref), size: bytes.length, metadata: {}, body };
    },
    list: async ({ bucket, prefix, after = "" }) => {
      if (this.#wasListed) this.#onListedAgain();
      const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after);
      const objects = keys.toSorted().map((key): ListedObject => {
        const { bytes, modifiedMs } = this.objects.get(key) ?? { bytes: Buffer.alloc(0) };
        const etag = this.#etag({ key });
        return { bucket, key, etag, size: bytes.length, modifiedMs: modifiedMs ?? 0 };
      });
      this.#wasListed = objects.length <= 3;
      return { objects: objects.slice(0, 3), isLast: this.#wasListed };
    },
    close: () => undefined,
  };
}

async function* pieces(bytes: Buffer, brokenAfter: number): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < bytes.length; at += 1000) {
    if (at >= brokenAfter) throw new Error("socket hang up");
    yield bytes.subarray(at, at + 1000);
  }
}

/** What is stored: lines and positions, together. */
class Stored {
  readonly positions = new Map<SourceId, Position>();
  readonly lines: string[] = [];
  #unstored: { lines: string[]; positions: [SourceId, Position][] } = { lines: [], positions: [] };

  take({
    sourceId,
    position,
    bytes,
  }: {
    sourceId: SourceId;
    position: Position;
    bytes: Uint8Array;
  }) {
    const lines = Buffer.from(bytes).toString().split("\n");
    this.#unstored.lines.push(...lines.filter((line) => line !== ""));
    this.#unstored.positions.push([sourceId, position]);
  }

  store(): void {
    this.lines.push(...this.#unstored.lines);
    for (const [id, position] of this.#unstored.positions) this.positions.set(id, position);
    this.drop();
  }

  /** As a killed process does. */
  drop(): void {
    this.#unstored = { lines: [], positions: [] };
  }
}

const NO_KEYS = { find: async () => undefined, close: async () => undefined };

class Reading {
  readonly stored = new Stored();
  nowMs = 100 * HOUR_MS;
  readonly #bucket: Bucket;
  endpoint: string | undefined;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  /** One pass of a new process, which is killed after so many chunks; stores after each `storeEvery` ones. */
  async pass({
    killAfter = Infinity,
    storeEvery = 1,
    fromMs = 0,
    verifies = false,
  } = {}): Promise<S3Source> {
    const place = { bucket: "b", queue: undefined };
    const clock = { nowMs: () => this.nowMs };
    const options: S3Options = {
      place,
      endpoint: this.endpoint,
      prefix: "",
      fromMs,
      listEveryMs: 1,
      visibilitySeconds: 60,
      clock,
    };
    const source = new S3Source(options, {
      s3: this.#bucket.api,
      queue: undefined,
      ...(verifies && { digestKeys: NO_KEYS }),
    });
    const stop = new AbortController();
    let chunks = 0;
    const reading = source.read(async () => new Map(this.stored.positions), stop.signal);
    this.#bucket.startListing(() => stop.abort());
    for await (const chunk of reading) {
      if (chunks >= killAfter) {
        this.stored.drop();
        break;
      }
      chunks += 1;
      this.stored.take(chunk);
      if (chunks % storeEvery === 0) this.stored.store();
    }
    stop.abort();
    if (chunks < killAfter) this.stored.store();
    else this.stored.drop();
    return source;
  }
}

const records = (from: number, count: number): string =>
  JSON.stringify({ Records: Array.from({ length: count }, (_, n) => ({ n: from + n })) });

/** The events about what was refused. */
const alertsIn = (lines: readonly string[]): unknown[] =>
  lines.filter((line) => line.includes('"event.kind":"alert"')).map((line) => JSON.parse(line));

describe("objects of a listed bucket", () => {
  test("the same object in a bucket of the same name in another store is read too", async () => {
    const bucket = new Bucket();
    bucket.put("a.log", "one\n");
    const reading = new Reading(bucket);
    for (const endpoint of [undefined, "https://store.example", "https://store.example"]) {
      reading.endpoint = endpoint;
      await reading.pass();
    }
    expect(reading.stored.lines).toEqual(["one", "one"]);
  });

  test("plain and compressed objects and the records of CloudTrail are read as lines", async () => {
    const bucket = new Bucket();
    bucket.put("a.log", "one\ntwo\n");
    bucket.put("b.gz", gzipSync("three\nfour"));
    bucket.put("c/CloudTrail/x.json.gz", gzipSync(records(1, 2)));
    bucket.put("folder/", "");
    const reading = new Reading(bucket);
    await reading.pass();
    expect(reading.stored.lines).toEqual(["one", "two", "three", "four", '{"n":1}', '{"n":2}']);
    expect(bucket.gets).toBe(3);
  });

  test("each object is read once, also if it appears later before others, and again when its content changes", async () => {
    const bucket = new Bucket();
    const reading = new Reading(bucket);
    bucket.put("m", "m1\n", reading.nowMs - 50 * HOUR_MS);
    bucket.put("n", "n1\n", reading.nowMs);
    await reading.pass();
    reading.nowMs += HOUR_MS;
    bucket.put("a", "a1\n", reading.nowMs - 1);
    bucket.put("n", "n2\n", reading.nowMs - 1);
    await reading.pass();
    reading.nowMs += 10 * HOUR_MS;
    await reading.pass();
    expect(reading.stored.lines).toEqual(["m1", "n1", "a1", "n2"]);
  });

  test("objects from before the configured time are not read", async () => {
    const bucket = new Bucket();
    const reading = new Reading(bucket);
    bucket.put("old", "old\n", 10);
    bucket.put("new", "new\n", 30);
    await reading.pass({ fromMs: 20 });
    expect(reading.stored.lines).toEqual(["new"]);
  });

  test("an object to which access is denied is stated, and read when it is allowed", async () => {
    const bucket = new Bucket();
    const reading = new Reading(bucket);
    for (const key of ["a", "b", "c"]) bucket.put(key, `${key}\n`);
    bucket.forbidden.add("b");
    await reading.pass();
    const source = await reading.pass();
    expect(source.status()[0]).toMatchObject({ level: "warning", message: /s3:\/\/b\/b may not/ });
    bucket.forbidden.clear();
    reading.nowMs += 10 * HOUR_MS;
    await reading.pass();
    await reading.pass();
    const { lines } = reading.stored;
    expect(lines.filter((line) => line.length === 1)).toEqual(["a", "c", "b"]);
    expect(alertsIn(lines)).toMatchObject([
      {
        "event.kind": "alert",
        "event.action": "object-access-denied",
        "event.reason": "may not be read",
        "file.path": "s3://b/b",
      },
    ]);
  });

  test("what can be read of a damaged object is read, and the rest is refused with the reason", async () => {
    const bucket = new Bucket();
    const reading = new Reading(bucket);
    const lines = Array.from({ length: 5_000 }, (_, n) => `line ${n} ${Math.sin(n)}`);
    bucket.put("a.gz", gzipSync(lines.join("\n")).subarray(0, -2_000));
    bucket.put("b.gz", gzipSync(Buffer.alloc(70_000_000, 0x20)));
    bucket.put("c.zip", Buffer.from("PK\x03\x04 and more"));
    bucket.put("d.log", "d\n");
    const source = await reading.pass();
    const { length } = reading.stored.lines;
    expect(length).toBeGreaterThan(3_000);
    expect(reading.stored.lines.slice(1_000, 2_000)).toEqual(lines.slice(1_000, 2_000));
    expect(reading.stored.lines.at(-1)).toBe("d");
    const [{ level, message } = {}] = source.status();
    expect(level).toBe("warning");
    expect(message).toMatch(
      /3 were refused: s3:\/\/b\/a\.gz .*truncated.* s3:\/\/b\/b\.gz expands/,
    );
    expect(message).toContain("s3://b/c.zip is an archive");
    expect(alertsIn(reading.stored.lines)).toMatchObject(
      ["a.gz", "b.gz", "c.zip"].map((key) => ({
        "event.action": "object-refused",
        "event.outcome": "failure",
        "aws.s3.object.key": key,
      })),
    );
    await reading.pass();
    expect(reading.stored.lines).toHaveLength(length);
  });

  test("a digest file of CloudTrail that is not valid is an event once, and stated", async () => {
    const bucket = new Bucket();
    const key = "AWSLogs/1/CloudTrail-Digest/eu-west-1/2026/03/14/x.json.gz";
    bucket.put(key, gzipSync('{"no":"digest"}'));
    const reading = new Reading(bucket);
    const source = await reading.pass({ verifies: true });
    await reading.pass({ verifies: true });
    expect(reading.stored.lines.map((line) => JSON.parse(line))).toMatchObject([
      { "event.outcome": "failure", "file.path": `s3://b/${key}` },
    ]);
    expect(source.status()[0]).toMatchObject({
      level: "warning",
      message: expect.stringContaining("x.json.gz is not valid: it is no digest file"),
    });
  });

  test("reading continues when connections break", async () => {
    const bucket = new Bucket();
    bucket.brokenAfter = 300_000;
    const lines = Array.from({ length: 50_000 }, (_, n) => `line ${n}`);
    bucket.put("a", lines.join("\n"));
    const reading = new Reading(bucket);
    await reading.pass();
    expect(reading.stored.lines).toEqual(lines);
  });

  test("an object that is replaced while it is read has its new content, and the loss of the rest is an event", async () => {
    const bucket = new Bucket();
    const reading = new Reading(bucket);
    const linesOf = (name: string) => Array.from({ length: 90_000 }, (_, n) => `${name} line ${n}`);
    bucket.put("a", linesOf("old").join("\n"));
    bucket.brokenAfter = 1_200_000;
    bucket.onGet = (offset) => {
      if (offset > 0 && bucket.brokenAfter < Infinity) {
        bucket.brokenAfter = Infinity;
        bucket.put("a", linesOf("new").join("\n"), reading.nowMs);
      }
    };
    await reading.pass();
    await reading.pass();
    const { lines } = reading.stored;
    expect(lines.filter((line) => line.startsWith("new"))).toEqual(linesOf("new"));
    const before = lines.filter((line) => line.startsWith("old"));
    expect(before).toEqual(linesOf("old").slice(0, before.length));
    expect(alertsIn(lines)).toMatchObject([
      { "event.reason": expect.stringMatching(/^was replaced .* first \d+ bytes .* is lost$/) },
    ]);
  });

  test("empty objects are read, and keys may be anything that S3 allows", async () => {
    const bucket = new Bucket();
    const reading = new Reading(bucket);
    const keys = [
      "../../etc/passwd",
      "a/../b",
      "a%2520b%252Fc",
      "line\nend\r\n",
      "\u0000\u001b[31m",
      "\u{1F600}".repeat(256),
      "'; DROP TABLE x",
      "__proto__",
      " ",
    ];
    for (const [n, key] of keys.entries()) bucket.put(key, `line ${n}\n`);
    bucket.put("empty", "");
    bucket.put("empty.gz", gzipSync(""));
    bucket.put("z\nbroken.gz", gzipSync("line\n".repeat(1_000)).subarray(0, 25));
    await reading.pass();
    await reading.pass();
    const { lines } = reading.stored;
    const ordinary = lines.filter((line) => /^line \d+$/.test(line));
    expect(ordinary.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(keys.map((_, n) => `line ${n}`));
    expect(alertsIn(lines)).toMatchObject([{ "aws.s3.object.key": "z\nbroken.gz" }]);
  });

  test("no line is lost or repeated, wherever processes are killed", async () => {
    const kill = fc.record({
      killAfter: fc.integer({ min: 0, max: 14 }),
      storeEvery: fc.integer({ min: 1, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(kill, { maxLength: 6 }), async (kills) => {
        const bucket = new Bucket();
        const reading = new Reading(bucket);
        const expected: string[] = [];
        for (let n = 0; n < 8; n += 1) {
          const lines = Array.from(
            { length: 60 },
            (_, line) => `${n} ${line} ${"x".repeat(30_000)}`,
          );
          bucket.put(`k${n}`, lines.join("\n"), n % 2 === 0 ? 1 : reading.nowMs);
          expected.push(...lines);
        }
        for (const how of kills) await reading.pass(how);
        await reading.pass();
        expect(reading.stored.lines.map((line) => line.slice(0, 5)).toSorted()).toEqual(
          expected.map((line) => line.slice(0, 5)).toSorted(),
        );
      }),
      { numRuns: 4 },
    );
  });
});
