import type { Batch } from "#collectors/batch.ts";
import { detectFormat } from "#collectors/detect.ts";
import type { Format, FormatContext, LineScanner } from "#collectors/format.ts";
import { ecs } from "#collectors/formats/ecs.ts";
import { findFormat } from "#collectors/formats/index.ts";
import type { Chunk, Position, Positions, SourceId, SourceStatus } from "#collectors/source.ts";

import { AheadLines } from "./ahead-lines.ts";
import { FormatEvidence } from "./format-evidence.ts";
import { pushedStatus } from "./pushed-status.ts";
import { RecentLines } from "./recent-lines.ts";
import { StoredFormats, withFormat } from "./stored-formats.ts";
import { UnrecognisedLines } from "./unrecognised-lines.ts";

/** Limits of lines that are held until their format is recognised: of one stream, and of all. */
const HELD_BYTES_MAX = { stream: 1024 * 1024, all: 16 * 1024 * 1024 };
const HELD_MS_MAX = 1_000;
/** A stream that has not been read for this long, such as that of a rotated file, is forgotten. */
const IDLE_MS_MAX = 24 * 3_600_000;

/** The last event of a chunk, which may continue in the next one. */
type HeldEvent = {
  /** From its first byte to the end of the chunk: consecutive bytes of the stream. */
  bytes: Uint8Array;
  /** The end of its last line in `bytes`, without the line end. */
  end: number;
  /** Offset of the event in the stream, and the position from which it can be read again. */
  offset: number;
  position: Position;
  retime: Chunk["retime"];
};

/** The state of a stream while it is read. Pushed lines with different headers have separate states. */
export type Stream = {
  id: SourceId;
  format: Format | undefined;
  /** Dataset of lines without one. */
  dataset: string;
  scan: LineScanner;
  /** Time of the last line with a time, epoch ms; used for quarantined lines. */
  eventMs: number | undefined;
  /** When its latest chunk was read. */
  readMs: number;
  path: string;
  /** Whether its lines have a header, as those that were pushed. */
  readonly isPushed: boolean;
  /** Position after everything that was read, including a held-back event. */
  position: Position;
  /** The first row of the chunk that is read, whose source fields are not written yet. */
  firstRow: number;
  held: HeldEvent | undefined;
  heldSinceMs: number;
  recent: RecentLines;
  readonly ahead: AheadLines;
  readonly unrecognised: UnrecognisedLines;
  /** Undefined while the format is not known, and if the sender of the lines decides it. */
  evidence: FormatEvidence | undefined;
  /** The last change of its format, for people. */
  change: { message: string; atMs: number } | undefined;
};

const unrecognised: LineScanner = () =>
  "unknown format: `quarterdeck parse` shows what is recognised";

/** A change of a format is a warning for so long. */
const CHANGE_WARNING_MS = 3_600_000;

/** The streams of a batch, and their formats. Each format is bound to the batch's columns once. */
export class Streams {
  readonly #streams = new Map<string, Stream>();
  readonly #scanners = new Map<Format, LineScanner>();
  readonly #stored = new StoredFormats();
  /** Of all pushed lines. */
  readonly #pushedAhead = new AheadLines();
  readonly #batch: Batch;
  readonly #context: FormatContext;
  #forgotMs: number;

  constructor(batch: Batch, context: FormatContext) {
    this.#batch = batch;
    this.#context = context;
    this.#forgotMs = context.nowMs;
  }

  /** To be called with all stored positions, those stored last at the end. */
  update(positions: Positions): void {
    this.#stored.update(positions);
  }

  of(chunk: Chunk): Stream {
    const key = keyOf(chunk);
    let stream = this.#streams.get(key);
    if (!stream) {
      this.#forgetIdle();
      this.#streams.set(key, (stream = newStream(chunk, this.#pushedAhead)));
    }
    stream.path = chunk.path;
    stream.readMs = this.#context.nowMs;
    if (stream.format) return stream;
    if (chunk.header) this.#bindHeader(stream, chunk);
    else {
      const stored = this.#stored.of(chunk);
      if (stored) {
        this.#bind(stream, stored.format);
        stream.evidence = new FormatEvidence(stored);
      }
    }
    return stream;
  }

  /**
   * The chunks of the stream that can be parsed, or quarantined, now. While its format is not known, chunks are held.
   */
  ready(stream: Stream, chunk: Chunk): Chunk[] {
    if (stream.format || chunk.header) return [chunk];
    const lines = stream.unrecognised;
    lines.add(chunk, this.#context.nowMs);
    const isFull = lines.bytes >= HELD_BYTES_MAX.stream || this.#heldBytes() > HELD_BYTES_MAX.all;
    if (this.#recognise(stream, isFull) || isFull) return lines.take();
    lines.hold();
    return [];
  }

  /** The chunks that are held for too long, or for more than `ageMs`. Their format is detected a last time. */
  overdue(stream: Stream, ageMs = HELD_MS_MAX): Chunk[] {
    const { bytes, sinceMs } = stream.unrecognised;
    // Absolute, so that lines do not wait for hours after the clock was set back.
    if (bytes === 0 || Math.abs(this.#context.nowMs - sinceMs) < ageMs) return [];
    this.#recognise(stream, true);
    return stream.unrecognised.take();
  }

  /** Changes the format of a stream because of its evidence; `offset` is where its present chunk begins. */
  change(stream: Stream, format: Format, offset: number): void {
    const { nowMs } = this.#context;
    const at = `at byte ${offset}, ${new Date(nowMs).toISOString()}`;
    const message =
      `its format changed from ${stream.format?.dataset} to ${format.dataset} ${at}, because most of its ` +
      `latest lines were of the ${format.title}; \`quarterdeck reprocess\` reads earlier ones in quarantine again`;
    stream.change = { message, atMs: nowMs };
    stream.recent = new RecentLines();
    const evidence = stream.evidence?.next();
    this.#bind(stream, format);
    stream.evidence = evidence;
  }

  /** A function that tests whether a line is of this format. It uses the open row of the batch. */
  testOf(format: Format): (bytes: Uint8Array, start: number, end: number) => boolean {
    const scan = this.#scannerOf(format);
    return (bytes, start, end) => {
      this.#batch.reserve(1);
      const reason = scan(bytes, start, end);
      this.#batch.rollback();
      return reason === undefined;
    };
  }

  /** The position of a stream, to be stored: with its format, unless that is in the header of its lines. */
  positionOf({ held, position, format, path, isPushed }: Stream): Position {
    const read = held?.position ?? position;
    return format && !isPushed ? withFormat(read, { format, path }) : read;
  }

  /**
   * The status of each path, with its latest quarantined lines, and its lines ahead of the clock. Those of all
   * pushed lines have a status of their own.
   */
  statusWith(sources: readonly SourceStatus[]): SourceStatus[] {
    const { nowMs } = this.#context;
    const notes = new Map<string, { text: string; isWarning: boolean }>();
    for (const { path, recent, change, ahead } of this.#streams.values()) {
      const aheadNote = ahead.note(nowMs);
      const texts = [change?.message, recent.note, aheadNote].filter((text) => text !== undefined);
      const isNew = change && nowMs - change.atMs < CHANGE_WARNING_MS;
      const isWarning = isNew === true || recent.note !== undefined || aheadNote !== undefined;
      if (texts.length > 0) notes.set(path, { text: texts.join("; "), isWarning });
    }
    const described = sources.map((source) => {
      const note = notes.get(source.path);
      if (!note) return source;
      const level = source.level === "info" && note.isWarning ? "warning" : source.level;
      return { ...source, level, message: `${source.message}; ${note.text}` };
    });
    const pushedNote = this.#pushedAhead.note(nowMs);
    return pushedNote === undefined ? described : [...described, pushedStatus(pushedNote)];
  }

  /** Removes the streams of a source with their held-back events. */
  forget(id: SourceId): void {
    for (const [key, stream] of this.#streams) if (stream.id === id) this.#streams.delete(key);
  }

  /** Forgets streams that are no longer read. If one of them continues, its format is that of its stored position. */
  #forgetIdle(): void {
    const { nowMs } = this.#context;
    // Absolute, so that streams are also forgotten after the clock was set back.
    if (Math.abs(nowMs - this.#forgotMs) < IDLE_MS_MAX) return;
    this.#forgotMs = nowMs;
    for (const [key, { readMs, held, unrecognised: lines }] of this.#streams) {
      const isIdle = Math.abs(nowMs - readMs) >= IDLE_MS_MAX;
      if (isIdle && !held && lines.bytes === 0) this.#streams.delete(key);
    }
  }

  all(): Iterable<Stream> {
    return this.#streams.values();
  }

  #recognise(stream: Stream, mustExamine: boolean): boolean {
    const format = stream.unrecognised.recognise(stream.path, mustExamine);
    if (format) this.#bind(stream, format);
    return format !== undefined;
  }

  #bindHeader(stream: Stream, { header, bytes, path }: Chunk): void {
    const name = header?.format;
    const format = name === undefined ? detectFormat(bytes, path).format : findFormat(name);
    if (format) this.#bind(stream, format, header?.dataset);
    else if (name !== undefined) stream.scan = () => `the format ${name} is unknown`;
  }

  #bind(stream: Stream, format: Format, dataset = format.dataset): void {
    stream.format = format;
    stream.dataset = dataset;
    stream.scan = this.#scannerOf(format);
    stream.evidence = stream.isPushed ? undefined : new FormatEvidence();
    this.#stored.note(stream.path, format);
  }

  #scannerOf(format: Format): LineScanner {
    const scan = this.#scanners.get(format) ?? format.open(this.#batch, this.#context);
    this.#scanners.set(format, scan);
    return scan;
  }

  #heldBytes(): number {
    let bytes = 0;
    for (const stream of this.#streams.values()) bytes += stream.unrecognised.bytes;
    return bytes;
  }
}

function newStream(chunk: Chunk, pushedAhead: AheadLines): Stream {
  const isPushed = chunk.header !== undefined;
  return {
    id: chunk.sourceId,
    format: undefined,
    dataset: "",
    scan: unrecognised,
    eventMs: undefined,
    readMs: 0,
    path: chunk.path,
    isPushed,
    position: chunk.position,
    firstRow: 0,
    held: undefined,
    heldSinceMs: 0,
    recent: new RecentLines(),
    ahead: isPushed ? pushedAhead : new AheadLines(),
    unrecognised: new UnrecognisedLines(),
    evidence: undefined,
    change: undefined,
  };
}

/** Whether the lines of a chunk are originals: pushed ECS documents are written by the API that receives them. */
export const keepsLines = ({ header }: Chunk): boolean => header?.format !== ecs.dataset;

const keyOf = ({ sourceId, header }: Chunk): string =>
  header ? `${sourceId} ${header.format ?? ""} ${header.dataset ?? ""}` : sourceId;
