import type { Position, PositionLookup, SourceId } from "../../source.ts";
import type { ByteReader } from "./byte-reader.ts";
import {
  Fingerprint,
  HEAD_BYTES,
  nameOf,
  readRange,
  sourceIdOf,
  type Found,
} from "./fingerprint.ts";
import type { Stream, TrackedFile } from "./tracked-file.ts";

const ZEROS = Buffer.alloc(64 * 1024);
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
/** A shared beginning must be this long to tell that a shorter file is part of a longer stream. */
const TELLING_BYTES = 64;
const COMPARE_BYTES = 1024;
/** Among streams of one name, so many may have been forgotten before one that is known. */
const GAPS_MAX = 4;

export type Identity =
  /** Too little is written yet to tell. */
  | { kind: "unnamed" }
  /** To be read as this stream, from its print's offset on. */
  | { kind: "read"; stream: Stream }
  /** Another file has all of it. */
  | { kind: "copy"; stream: Stream }
  /** This very compressed file was read to its end before. */
  | { kind: "done" }
  /** It has only the beginning of what was read of the stream. */
  | { kind: "short"; stream: Stream };

/** Tells by its content which stream a file has. */
export class Identifier {
  readonly #streams: Map<SourceId, Stream>;
  readonly #positions: PositionLookup;

  constructor(streams: Map<SourceId, Stream>, positions: PositionLookup) {
    this.#streams = streams;
    this.#positions = positions;
  }

  async identify(file: TrackedFile, final: boolean): Promise<Identity> {
    const reader = file.reader();
    const start = await startOf(reader);
    const head =
      start === undefined ? undefined : await readRange(reader, start, start + HEAD_BYTES);
    const name = head && nameOf(head, final);
    if (start === undefined || !name) return { kind: "unnamed" };
    let free: SourceId | undefined;
    let short: Identity | undefined;
    for (let attempt = 0, gaps = 0; gaps < GAPS_MAX; attempt += 1) {
      const id = sourceIdOf(name, attempt);
      const position = this.#positionOf(id);
      if (!position) {
        gaps += 1;
        free ??= id;
        continue;
      }
      const identity = file.formerIds.has(id)
        ? undefined
        : await this.#compare(file, { id, position, final });
      if (identity?.kind === "short") short ??= identity;
      else if (identity) return identity;
    }
    if (short) return short;
    if (file.compression) file.rewind();
    const id = free ?? sourceIdOf(name, 0);
    return this.#read(file, { id, print: new Fingerprint(start), holder: undefined });
  }

  #positionOf(id: SourceId): Position | undefined {
    return this.#streams.get(id)?.print.toPosition() ?? this.#positions(id);
  }

  async #compare(
    file: TrackedFile,
    known: { id: SourceId; position: Position; final: boolean },
  ): Promise<Identity | undefined> {
    const { id, position } = known;
    if (file.compression && position["sealed"] === file.seal) return { kind: "done" };
    if (file.compression) file.rewind();
    const found: Found = await Fingerprint.find(file.reader(), position);
    if (found === "other") return undefined;
    const stream = this.#streams.get(id);
    const holder = stream?.holder === file ? undefined : stream?.holder;
    if (found === "short") {
      if (stream && holder)
        return (await isPartOf(file, holder)) ? { kind: "copy", stream } : undefined;
      if (file.size < TELLING_BYTES && known.final) return undefined;
      const start = Number(position["start"] ?? 0);
      const resumed = stream ?? { id, print: new Fingerprint(start), holder: undefined };
      return { kind: "short", stream: resumed };
    }
    if (!stream || !holder) {
      return this.#read(file, { id, print: found, holder: undefined });
    }
    const hasMore = file.compression ? !isLive(holder) : file.size > holder.size;
    if (!hasMore) return { kind: "copy", stream };
    holder.state = "copy";
    holder.isDirty = true;
    return this.#read(file, { id, print: found, holder: undefined });
  }

  #read(file: TrackedFile, stream: Stream): Identity {
    const known = this.#streams.get(stream.id) ?? stream;
    known.print = stream.print;
    known.holder = file;
    this.#streams.set(known.id, known);
    return { kind: "read", stream: known };
  }
}

function isLive(holder: TrackedFile): boolean {
  return holder.isOpen && !holder.isGone;
}

/** Where the first line begins: after the hole that a truncation leaves, and after a byte order mark. */
async function startOf(reader: ByteReader): Promise<number | undefined> {
  let start = 0;
  for (;;) {
    const bytes = await readRange(reader, start, start + ZEROS.length);
    if (bytes.length === 0) return undefined;
    if (!bytes.equals(ZEROS.subarray(0, bytes.length))) {
      const first = bytes.findIndex((byte) => byte !== 0);
      const mark = await readRange(reader, start + first, start + first + BYTE_ORDER_MARK.length);
      return start + first + (mark.equals(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0);
    }
    start += bytes.length;
  }
}

/** Whether the end of a shorter file is in a longer one at the same place. */
async function isPartOf(file: TrackedFile, holder: TrackedFile): Promise<boolean> {
  if (file.compression || holder.compression || !holder.isOpen) return true;
  const from = Math.max(0, file.size - COMPARE_BYTES);
  const mine = await readRange(file.reader(), from, file.size);
  const theirs = await readRange(holder.reader(), from, file.size);
  return mine.equals(theirs);
}
