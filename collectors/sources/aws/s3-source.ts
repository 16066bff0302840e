import { setTimeout as delay } from "node:timers/promises";

import type { Chunk, Positions, ReadPositions, Source, SourceStatus } from "#collectors/source.ts";
import type { Clock } from "#platform/clock.ts";

import { AnnouncedObjects } from "./announced-objects.ts";
import type { DigestKeys } from "./check-digest.ts";
import { ListedObjects } from "./listed-objects.ts";
import { ObjectReader } from "./object-reader.ts";
import { objectUrl } from "./object-ref.ts";
import type { QueueApi } from "./queue-api.ts";
import { ReadObjects } from "./read-objects.ts";
import type { S3Api } from "./s3-api.ts";
import { S3Counts } from "./s3-counts.ts";

const RECEIVE_WAIT_SECONDS = 20;

/** Where objects are found: in a bucket, which is listed; by the messages of a queue; or both. */
export type S3Place =
  | { bucket: string; queue: string | undefined }
  | { bucket: undefined; queue: string };

export type S3Options = {
  place: S3Place;
  /** URL of another store than that of AWS. */
  endpoint?: string | undefined;
  /** Keys begin with it. */
  prefix: string;
  /** Objects of the bucket that were last modified before are not read; epoch ms. */
  fromMs: number;
  /** Between two listings without a queue. */
  listEveryMs: number;
  /** For so long at a time, messages are hidden from other readers of the queue while they are in work. */
  visibilitySeconds: number;
  clock: Clock;
};

type S3Apis = {
  s3: S3Api;
  queue: QueueApi | undefined;
  /** Absent: digest files of CloudTrail are not checked. */
  digestKeys?: DigestKeys & { close(): Promise<void> };
};

/**
 * Objects of S3, each read once, however often and in whatever order it is listed or announced: it is recognised by its
 * key and content. With a queue the bucket is listed once, for the objects that exist already.
 */
export class S3Source implements Source, AsyncDisposable {
  readonly #options: S3Options;
  readonly #s3: S3Api;
  readonly #queue: QueueApi | undefined;
  readonly #digestKeys: S3Apis["digestKeys"];
  readonly #counts: S3Counts;
  #removeStored = async (): Promise<void> => undefined;

  constructor(options: S3Options, { s3, queue, digestKeys }: S3Apis) {
    const {
      prefix,
      place: { bucket, queue: url },
    } = options;
    this.#options = options;
    this.#s3 = s3;
    this.#queue = queue;
    this.#digestKeys = digestKeys;
    this.#counts = new S3Counts(bucket === undefined ? url : objectUrl({ bucket, key: prefix }));
  }

  status(): SourceStatus[] {
    return this.#counts.status();
  }

  async *read(positions: ReadPositions, signal: AbortSignal): AsyncGenerator<Chunk, void> {
    const ending = new AbortController();
    const stored = await positions();
    const recent = new ReadObjects(this.#name, stored);
    const reader = new ObjectReader({
      s3: this.#s3,
      counts: this.#counts,
      digestKeys: this.#digestKeys,
      denied: recent,
      clock: this.#options.clock,
    });
    const announced = this.#announced(reader, recent);
    this.#removeStored = async () => announced?.removeStored(positions);
    const keeping = announced?.keep(positions, AbortSignal.any([signal, ending.signal]));
    const turn = (waitSeconds: number): AsyncIterable<Chunk> =>
      announced?.turn(waitSeconds, signal) ?? nothing();
    const listed = this.#listed(reader, recent, stored);
    try {
      if (listed) yield* listed.pass(() => turn(0), signal);
      while (!signal.aborted) {
        if (announced) yield* turn(RECEIVE_WAIT_SECONDS);
        else {
          await delay(this.#options.listEveryMs, undefined, { signal }).catch(() => undefined);
          if (listed && !signal.aborted) yield* listed.pass(nothing, signal);
        }
      }
    } finally {
      ending.abort();
      await keeping;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Messages that cannot be deleted come again, and their objects are recognised as read.
    await this.#removeStored().catch(() => undefined);
    this.#s3.close();
    this.#queue?.close();
    await this.#digestKeys?.close();
  }

  /** Of what is read: positions belong to it. */
  get #name(): string {
    const { place, prefix, endpoint } = this.#options;
    if (place.bucket === undefined) return `sqs ${place.queue}`;
    // Other stores may have a bucket of the same name.
    return `s3 ${endpoint === undefined ? "" : `${endpoint} `}${place.bucket}/${prefix}`;
  }

  #announced(reader: ObjectReader, among: ReadObjects): AnnouncedObjects | undefined {
    if (!this.#queue) return undefined;
    const { place, prefix, visibilitySeconds, clock } = this.#options;
    return new AnnouncedObjects({
      name: place.queue ?? "",
      clock,
      queue: this.#queue,
      reader,
      among,
      counts: this.#counts,
      visibilitySeconds,
      isOfInterest: ({ bucket, key }) =>
        (place.bucket ?? bucket) === bucket && key.startsWith(prefix),
    });
  }

  #listed(reader: ObjectReader, recent: ReadObjects, stored: Positions): ListedObjects | undefined {
    const { place, prefix, fromMs, clock } = this.#options;
    if (place.bucket === undefined) return undefined;
    const where = { bucket: place.bucket, prefix, name: this.#name, fromMs };
    return new ListedObjects(where, { s3: this.#s3, reader, clock, recent }, stored);
  }
}

async function* nothing(): AsyncGenerator<Chunk, void> {}
