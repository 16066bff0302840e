import type { Chunk, Positions } from "#collectors/source.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import {
  beginPass,
  endPass,
  isCandidate,
  isRecent,
  listingIdOf,
  listingPosition,
  type ListingState,
  storedListing,
} from "./listing.ts";
import type { Job, ObjectReader } from "./object-reader.ts";
import { objectIdOf } from "./object-ref.ts";
import { ReadObjects } from "./read-objects.ts";
import type { ListedObject, S3Api } from "./s3-api.ts";

/** Of objects that were modified long before the listing, those since its last stored position are remembered. */
const OLDER_PAGES = 2;
/** Objects to which access is denied: the next pass tries them again. */
const POSTPONED_MAX = 100;
/** Objects that are read before something else may be. */
const TURN_OBJECTS = 50;

type Place = { bucket: string; prefix: string; name: string; fromMs: number };
type Deps = { s3: S3Api; reader: ObjectReader; clock: Clock; recent: ReadObjects };

/** The objects of a bucket, by listing it again and again. */
export class ListedObjects {
  readonly #place: Place;
  readonly #deps: Deps;
  readonly #older: ReadObjects;
  #state: ListingState;

  /** `recent` remembers those that later listings have too. */
  constructor(place: Place, deps: Deps, stored: Positions) {
    this.#place = place;
    this.#deps = deps;
    this.#older = new ReadObjects(`${place.name} older`, stored, OLDER_PAGES);
    this.#state = storedListing(place.name, stored, place.fromMs);
  }

  /**
   * Lists the bucket once, and reads the objects that were not read yet; `between` is read after some of them.
   * @throws AppError if it cannot be listed or read
   */
  async *pass(
    between: () => AsyncIterable<Chunk>,
    signal: AbortSignal,
  ): AsyncGenerator<Chunk, void> {
    const { bucket, prefix } = this.#place;
    const { s3, clock } = this.#deps;
    this.#state = beginPass(this.#state, clock.nowMs());
    let hasRead = yield* this.#readAll(this.#postponed(), signal);
    for (let isLast = false, { after } = this.#state; !isLast && !signal.aborted;) {
      const listed = await s3.list({ bucket, prefix, after }, signal);
      const jobs = listed.objects
        .filter((object) => isCandidate(this.#state, object))
        .map((ref) => ({ ref, among: this.#among(ref) }));
      for (let at = 0; at < jobs.length && !signal.aborted; at += TURN_OBJECTS) {
        const isNew = yield* this.#readAll(jobs.slice(at, at + TURN_OBJECTS), signal);
        hasRead ||= isNew;
        yield* between();
      }
      after = listed.objects.at(-1)?.key;
      isLast = listed.isLast;
    }
    if (signal.aborted) return;
    this.#state = endPass(this.#state);
    if (hasRead) yield this.#positionChunk();
  }

  #among(object: ListedObject): ReadObjects {
    const { recent } = this.#deps;
    const isKnown = recent.knows(objectIdOf(object, object.etag));
    return isKnown || isRecent(this.#state, object) ? recent : this.#older;
  }

  #postponed(): Job[] {
    const { bucket } = this.#place;
    return this.#state.postponed.map((key) => ({
      ref: { bucket, key, etag: undefined, size: undefined },
      among: this.#deps.recent,
    }));
  }

  /** Returns whether there was a new object. */
  async *#readAll(jobs: readonly Job[], signal: AbortSignal): AsyncGenerator<Chunk, boolean> {
    let hasRead = false;
    for await (const item of this.#deps.reader.read(jobs, signal)) {
      if ("chunk" in item) {
        yield item.chunk;
        continue;
      }
      const { ended, outcome } = item;
      const { key } = ended.ref;
      const isForbidden = outcome.is === "forbidden";
      this.#postpone(key, isForbidden);
      if (!this.#isPostponedJob(ended)) this.#state = { ...this.#state, after: key };
      if (!isForbidden && !outcome.isNew) continue;
      hasRead = true;
      yield this.#positionChunk();
    }
    return hasRead;
  }

  /** Those of a listing have an ETag. */
  #isPostponedJob({ ref }: Job): boolean {
    return ref.etag === undefined;
  }

  #postpone(key: string, isForbidden: boolean): void {
    const others = this.#state.postponed.filter((it) => it !== key);
    const postponed = isForbidden ? [...others, key] : others;
    if (postponed.length > POSTPONED_MAX) {
      const message = `access to more than ${POSTPONED_MAX} objects is denied: allow s3:GetObject, and kms:Decrypt if they are encrypted with a key of yours`;
      throw new AppError("forbidden", message);
    }
    this.#state = { ...this.#state, postponed };
  }

  /** Stores the state of the listing, without lines. */
  #positionChunk(): Chunk {
    return {
      sourceId: listingIdOf(this.#place.name),
      path: "",
      bytes: Buffer.alloc(0),
      offset: 0,
      position: listingPosition(this.#state),
      bytesSkipped: 0,
      header: { fields: {} },
    };
  }
}
