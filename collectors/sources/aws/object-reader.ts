import type { Chunk } from "#collectors/source.ts";
import type { Clock } from "#platform/clock.ts";

import { RefusedFile } from "../files/file-kind.ts";
import { checkDigest, type DigestKeys, type DigestVerdict, verdictEvent } from "./check-digest.ts";
import { ObjectBytes } from "./object-bytes.ts";
import { ObjectLines } from "./object-lines.ts";
import { contentIdOf, objectIdOf, type ObjectRef, objectUrl } from "./object-ref.ts";
import type { ReadObjects, StoredCheck } from "./read-objects.ts";
import { refusedEvent } from "./refused-event.ts";
import { type S3Api, UnreadableObject } from "./s3-api.ts";
import type { S3Counts } from "./s3-counts.ts";
import { wholeChunk } from "./whole-chunk.ts";

/**
 * Requests of objects whose turn is still to come, of which the first bytes wait in the connection. Large ones are requested
 * when it is their turn: the connections of others would break while a large one is read.
 */
const AHEAD_MAX = 32;
const AHEAD_BYTES_MAX = 1024 * 1024;
/** What services of AWS write to test that they may write. */
const NO_LOG =
  /(?:^|\/)(?:ELBAccessLogTestFile|ConfigWritabilityCheckFile|aws-programmatic-access-test-object)$|\/$/;

/** A digest file of CloudTrail. */
const DIGEST = /\/CloudTrail-Digest\//;

/** An object to read, and the objects among which it is remembered. */
export type Job = { ref: ObjectRef; among: ReadObjects };

/** A part of an object, or what became of an object. */
export type JobItem<J extends Job> = { chunk: Chunk } | { ended: J; outcome: Outcome };

export type Outcome =
  /** It is read, now or earlier, or needs not be read. */
  | { is: "done"; isNew: boolean; isStored: StoredCheck }
  /** Access is denied: it has to be tried again. */
  | { is: "forbidden" };

type Deps = {
  s3: S3Api;
  counts: S3Counts;
  /** With them, digest files of CloudTrail are checked; otherwise they are events as any other file. */
  digestKeys: DigestKeys | undefined;
  /** Remembers the objects to which access was denied. */
  denied: ReadObjects;
  clock: Clock;
};

const NOTHING_TO_STORE: Outcome = { is: "done", isNew: false, isStored: () => true };

/** Reads objects one after the other, and requests the next small ones meanwhile. */
export class ObjectReader {
  readonly #deps: Deps;
  readonly #s3: S3Api;
  readonly #counts: S3Counts;
  readonly #lines = new ObjectLines();

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#s3 = deps.s3;
    this.#counts = deps.counts;
  }

  /**
   * Chunks of the objects, and each object when it has ended.
   * @throws AppError if S3 cannot be used
   */
  async *read<J extends Job>(
    jobs: readonly J[],
    signal: AbortSignal,
  ): AsyncGenerator<JobItem<J>, void> {
    const opened = new Map<J, Promise<ObjectBytes>>();
    const open = (job: J, isAhead: boolean): Promise<ObjectBytes> | undefined => {
      const known = opened.get(job);
      if (known || !this.#isWanted(job)) return known;
      if (isAhead && (job.ref.size ?? 0) > AHEAD_BYTES_MAX) return undefined;
      const opening = ObjectBytes.open(this.#s3, job.ref, signal);
      // Handled when it is the object's turn.
      opening.catch(() => undefined);
      opened.set(job, opening);
      return opening;
    };
    try {
      for (const [index, job] of jobs.entries()) {
        if (signal.aborted) return;
        const opening = open(job, false);
        for (const next of jobs.slice(index + 1, index + 1 + AHEAD_MAX)) void open(next, true);
        if (opening) yield* this.#readOne(job, opening, signal);
        else yield { ended: job, outcome: this.#unread(job) };
        opened.delete(job);
      }
    } finally {
      for (const opening of opened.values()) {
        opening.then((bytes) => bytes.close()).catch(() => undefined);
      }
    }
  }

  #isWanted({ ref, among }: Job): boolean {
    if (ref.size === 0 || NO_LOG.test(ref.key)) return false;
    return ref.etag === undefined || !among.has(objectIdOf(ref, ref.etag));
  }

  /** Of an object that is not wanted. */
  #unread({ ref, among }: Job): Outcome {
    const id = ref.etag === undefined ? undefined : objectIdOf(ref, ref.etag);
    return id !== undefined && among.has(id) ? this.#repeated(among, id) : NOTHING_TO_STORE;
  }

  #repeated(among: ReadObjects, id: string): Outcome {
    this.#counts.repeated += 1;
    return { is: "done", isNew: false, isStored: among.storedCheck(id) };
  }

  async *#readOne<J extends Job>(
    job: J,
    opening: Promise<ObjectBytes>,
    signal: AbortSignal,
  ): AsyncGenerator<JobItem<J>, void> {
    const { ref, among } = job;
    let bytes: ObjectBytes | undefined;
    try {
      bytes = await opening;
      this.#counts.allow(ref);
      const id = objectIdOf(ref, bytes.etag);
      if (among.has(id)) {
        yield { ended: job, outcome: this.#repeated(among, id) };
        return;
      }
      const { digestKeys } = this.#deps;
      if (digestKeys && DIGEST.test(ref.key)) {
        const deps = { s3: this.#s3, keys: digestKeys };
        const verdicts = await checkDigest({ ref, bytes }, deps, signal);
        yield { chunk: this.#verdictChunk(job, verdicts, id) };
      } else for await (const chunk of this.#chunks(job, bytes, id)) yield { chunk };
      this.#counts.read += 1;
      yield { ended: job, outcome: { is: "done", isNew: true, isStored: among.storedCheck(id) } };
    } catch (error) {
      if (signal.aborted) return;
      yield* this.#failed(job, error);
    } finally {
      bytes?.close();
    }
  }

  /** The rest of an object. What cannot be read of a damaged one is refused. */
  async *#chunks({ ref, among }: Job, bytes: ObjectBytes, id: string): AsyncGenerator<Chunk, void> {
    const reading = among.open(id);
    const about = { sourceId: reading.sourceId, path: objectUrl(ref), header: { fields: {} } };
    let isEnd = false;
    let refused: Buffer | undefined;
    try {
      for await (const cut of this.#lines.read(bytes, ref.key, reading.at)) {
        isEnd = cut.isLast;
        const { bytesSkipped } = cut;
        const offset = reading.offset();
        const position = reading.advance(cut.bytes.length, { at: cut.end, isEnd });
        yield { ...about, bytes: cut.bytes, offset, position, bytesSkipped };
      }
    } catch (error) {
      const reason = damageIn(error, reading.at);
      if (reason === undefined) throw error;
      this.#counts.refuse(objectUrl(ref), reason);
      refused = refusedEvent({ what: "damaged", ref, reason }, this.#deps.clock.nowMs());
    }
    if (isEnd) return;
    const rest = refused ?? Buffer.alloc(0);
    const header = refused ? { format: "ecs", fields: {} } : about.header;
    const offset = reading.offset();
    const position = reading.advance(rest.length, { at: reading.at, isEnd: true });
    yield { ...about, header, bytes: rest, offset, position, bytesSkipped: 0 };
  }

  /** The verdicts about a digest file and its log files, as events. */
  #verdictChunk({ ref, among }: Job, verdicts: readonly DigestVerdict[], id: string): Chunk {
    const nowMs = this.#deps.clock.nowMs();
    for (const { bucket, key, outcome, reason } of verdicts) {
      if (outcome === "success") continue;
      this.#counts.refuse(objectUrl({ bucket, key }), `is not valid: ${reason}`);
    }
    const events = verdicts.map((it) => `${JSON.stringify(verdictEvent(it, nowMs))}\n`);
    const bytes = Buffer.from(events.join(""));
    return wholeChunk(among, id, { path: objectUrl(ref), bytes, format: "ecs" });
  }

  /** An object that cannot be read now. That access to it is denied is an event, once. */
  *#failed<J extends Job>(job: J, error: unknown): Generator<JobItem<J>, void> {
    const { ref } = job;
    if (!(error instanceof UnreadableObject)) throw error;
    if (error.why === "gone") {
      this.#counts.gone += 1;
      yield { ended: job, outcome: NOTHING_TO_STORE };
      return;
    }
    const reason = error.message;
    this.#counts.forbid(ref, reason);
    const { denied } = this.#deps;
    const id = contentIdOf("denied object", objectUrl(ref));
    if (!denied.has(id)) {
      const bytes = refusedEvent({ what: "denied", ref, reason }, this.#deps.clock.nowMs());
      yield { chunk: wholeChunk(denied, id, { path: objectUrl(ref), bytes, format: "ecs" }) };
    }
    yield { ended: job, outcome: { is: "forbidden" } };
  }
}

/** Why the rest of an object, from this byte of its content on, is never read; undefined if it may be read later. */
function damageIn(error: unknown, at: number): string | undefined {
  if (error instanceof RefusedFile) return error.message;
  if (!(error instanceof UnreadableObject) || error.why === "denied") return undefined;
  return `${error.message}: what followed the first ${at} bytes of its content is lost`;
}
