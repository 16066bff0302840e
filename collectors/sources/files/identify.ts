import type { Position, Positions, SourceId } from "#collectors/source.ts";

import { Fingerprint, HEAD_BYTES, nameOf, readRange, sourceIdOf } from "./fingerprint.ts";
import type { Identity, Stream, TrackedFile } from "./tracked-file.ts";

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
/** Minimum length of a common beginning for a shorter file to count as part of a longer stream. */
const COMMON_BYTES_MIN = 64;
const COMPARE_BYTES = 1024;
/** Maximum number of unknown streams before a known one among streams with the same identifying bytes. */
const GAPS_MAX = 4;

/** Identifies the stream in a file by its content. */
export class Identifier {
  readonly #streams: Map<SourceId, Stream>;
  readonly #stored: Positions;

  constructor(streams: Map<SourceId, Stream>, stored: Positions) {
    this.#streams = streams;
    this.#stored = stored;
  }

  /** With `lastLineCounts` the file is complete: an unterminated line may identify it. */
  async identify(file: TrackedFile, lastLineCounts: boolean): Promise<Identity> {
    const start = await startOf(file);
    if (start === undefined) return { state: "new" };
    const reader = file.reader();
    const name = nameOf(await readRange(reader, start, start + HEAD_BYTES), lastLineCounts);
    if (!name) return { state: "new" };
    const { known, free } = this.#search(name);
    let short: Identity | undefined;
    for (const { id, position } of known) {
      if (file.formerIds.has(id)) continue;
      if (file.compression && position["sealed"] === file.seal) return { state: "done" };
      file.rewind();
      const found = await Fingerprint.find(file.reader(), position);
      if (found === "short") short ??= await this.#shortOf(file, { id, position, lastLineCounts });
      else if (found !== "other") return this.#resume(file, id, found);
    }
    if (short) return short;
    file.rewind();
    return this.#read(file, free, new Fingerprint(start));
  }

  /** All known streams with the same identifying bytes, and the first unused id. */
  #search(name: Buffer): { known: { id: SourceId; position: Position }[]; free: SourceId } {
    const known: { id: SourceId; position: Position }[] = [];
    let free: SourceId | undefined;
    for (let attempt = 0, gaps = 0; gaps < GAPS_MAX; attempt += 1) {
      const id = sourceIdOf(name, attempt);
      const position = this.#streams.get(id)?.fingerprint.toPosition() ?? this.#stored.get(id);
      if (position) {
        known.push({ id, position });
      } else {
        gaps += 1;
        free ??= id;
      }
    }
    return { known, free: free ?? sourceIdOf(name, 0) };
  }

  async #shortOf(
    file: TrackedFile,
    known: { id: SourceId; position: Position; lastLineCounts: boolean },
  ): Promise<Identity | undefined> {
    const stream = this.#streams.get(known.id);
    if (stream?.holder && stream.holder !== file) {
      return (await isPartOf(file, stream.holder)) ? { state: "copy", stream } : undefined;
    }
    if (file.size < COMMON_BYTES_MIN && known.lastLineCounts) return undefined;
    const fingerprint = new Fingerprint(Number(known.position["start"] ?? 0));
    return { state: "short", stream: stream ?? { id: known.id, fingerprint, holder: undefined } };
  }

  /**
   * The file contains everything that was read of the stream: reading continues here, unless another file also contains
   * it.
   */
  #resume(file: TrackedFile, id: SourceId, fingerprint: Fingerprint): Identity {
    const stream = this.#streams.get(id);
    const holder = stream?.holder;
    if (!stream || !holder || holder === file) return this.#read(file, id, fingerprint);
    const hasMore = file.compression ? !isLive(holder) : file.size > holder.size;
    if (!hasMore) return { state: "copy", stream };
    holder.becomeCopy();
    return this.#read(file, id, fingerprint);
  }

  #read(file: TrackedFile, id: SourceId, fingerprint: Fingerprint): Identity {
    const stream = this.#streams.get(id) ?? { id, fingerprint, holder: file };
    stream.fingerprint = fingerprint;
    stream.holder = file;
    this.#streams.set(id, stream);
    return { state: "reading", stream };
  }
}

/** Unlike a holder that was deleted, it may still be written to. */
const isLive = (holder: TrackedFile): boolean => !holder.isDeleted;

/** Offset of the first line, after the NULs of a truncation and a byte order mark; undefined if it is not known yet. */
async function startOf(file: TrackedFile): Promise<number | undefined> {
  const after = await file.readNuls(0);
  if (after.is !== "data") return undefined;
  const mark = await readRange(file.reader(), after.at, after.at + BYTE_ORDER_MARK.length);
  return after.at + (mark.equals(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0);
}

/** Whether the end of a shorter file is in a longer one at the same offset. */
async function isPartOf(file: TrackedFile, holder: TrackedFile): Promise<boolean> {
  if (file.compression || holder.compression) return true;
  const wasOpen = holder.isOpen;
  if (!(await holder.open().catch(() => false))) return true;
  const from = Math.max(0, file.size - COMPARE_BYTES);
  const mine = await readRange(file.reader(), from, file.size);
  const theirs = await readRange(holder.reader(), from, file.size);
  if (!wasOpen) await holder.close();
  return mine.equals(theirs);
}
