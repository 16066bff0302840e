import type { Packed } from "./packed/packed-documents.ts";

/**
 * The position up to which a source was read: an opaque cursor that only its source interprets. Others may store it,
 * return it, and compare it for equality. It can be serialized as JSON. Names that begin with `stream.` are those of its
 * reader, which a source ignores.
 */
export type Position = Readonly<Record<string, string | number | boolean>>;

/** The position up to which each source was read. */
export type Positions = ReadonlyMap<SourceId, Position>;

/** Reads the positions that are stored now. */
export type ReadPositions = () => Promise<Positions>;

/**
 * Fields of a pushed document by which a repeated one is recognised: the id that its sender gave to it, and a key if that is
 * another one. They are unique in the `identities` of its header.
 */
export const IDENTITY_FIELDS = { id: "_id", key: "_key" } as const;

/** The field with the name of the listener that received an event over a socket. */
export const LISTENER_FIELD = "log.source.name";

/** Metadata of lines; the fields of a line itself take precedence. */
export type RecordHeader = {
  /** Name of the format (`Format.dataset`). Default: detected from the content. */
  format?: string;
  /** Dataset of the events. Default: the dataset of the format. */
  dataset?: string;
  /**
   * Name that the sender gave to the stream of the lines, such as a file. Their format is detected for each stream.
   * Default: all lines with this format and dataset.
   */
  stream?: string;
  /**
   * `line`: each line is an ECS document whose `message` may be a log line. If a format can read it, the event has its
   * fields and its time, and the dataset of the format unless one is named; otherwise it is the document. `dataset`
   * takes precedence over a dataset in the document.
   */
  message?: "line";
  /**
   * Dataset of documents that name none and whose message no format can read; default: `generic`. Of lines: dataset of those
   * in an envelope, such as a syslog header, that no format can read; default: they are quarantined.
   */
  unreadDataset?: string;
  /** Where the IDENTITY_FIELDS of the documents, or the `identity`, are unique. Absent: there are none. */
  identities?: string;
  /** By which all lines together are recognised when they are sent again: they are of a request with an id. */
  identity?: string;
  /** By which the request of these documents is recognised when it is sent again after a crash; see docs/adr/0020. */
  request?: string;
  /** The documents are packed (packed-documents.ts). */
  packed?: Packed;
  /** When the documents arrived, epoch ms: the time of those without one. */
  receivedMs?: number;
  /** ECS fields of every event, such as `host.name` or `source.address` of the sender. */
  fields: Readonly<Record<string, string>>;
  /** Of lines that a socket holder may send again after a kill: what of their connection was read with them. */
  readTo?: ReadTo;
  /** The listener or token that received the lines, as the list of sources names it; at most 100 characters. */
  source?: string;
};

/** What was read of a connection: everything before the offset. */
export type ReadTo = { connection: string; offset: number };

/** Lines that are read together. They are complete, except possibly the last one of a stream that has ended. */
export type Chunk = {
  /** The identity of the stream, `src_…`: unchanged by renaming, copying or compression. */
  sourceId: SourceId;
  /** The path at the time of reading, for people; empty if the stream is not a file. */
  path: string;
  /** The configured source from which it was read: its id, or the path or pattern that was named. */
  source?: string;
  /** Valid until the next item is requested. */
  bytes: Uint8Array;
  /** Offset of `bytes[0]` in the stream: ascending, and the same when the chunk is read again. */
  offset: number;
  /** Position after this chunk. */
  position: Position;
  /** Position after these first bytes of the chunk, which may be a copy. Absent if it is unknown. */
  positionAt?: (first: Uint8Array) => Position;
  /** When the lines were written, epoch ms, if they were appended to a followed file that had been read to its end. */
  writtenMs?: number;
  /** Number of bytes of an over-long line that are missing in `bytes`, which has the head of the line. Usually 0. */
  bytesSkipped: number;
  /** For a replay: returns the time that replaces an event's own time; epoch ms. */
  retime?: (eventMs: number) => number;
  /** Header of pushed lines. Events of such a chunk do not span chunks, so it has no `positionAt`. */
  header?: RecordHeader;
};

/**
 * This reader must release the stream, or all streams of a configured source, to another one, which continues from the
 * stored position: everything read must be stored before the next item is requested.
 */
export type Revocation = { revoked: SourceId } | { revokedSource: string };

export type SourceId = `src_${string}`;

/**
 * Memory of this size in which whoever reads the chunks can use their lines without copying them first; undefined if there is
 * none. It is the same each time, so that it may hold one chunk only.
 */
export type ChunkMemory = (bytes: number) => Buffer | undefined;

/** Logs that can be read again from a position. */
export type Source = {
  /**
   * Yields chunks from the stored positions on, until the signal aborts or the source ends. Pulling slowly
   * slows the source down (back-pressure). A source that may no longer read a stream, and cannot wait until the chunks
   * read so far are stored, throws: rows that are not stored yet must then be dropped. The source may place its chunks in
   * `memory`.
   */
  read(
    positions: ReadPositions,
    signal: AbortSignal,
    memory?: ChunkMemory,
  ): AsyncIterable<Chunk | Revocation>;
  /**
   * To be called right before storing; throws if the rows must not be stored because another process continues from
   * the stored positions. Absent if there are no other processes.
   */
  confirm?(): Promise<void>;
};

/** Status of a path for people: whether it is read, otherwise why not and what to do. */
export type SourceStatus = {
  path: string;
  message: string;
  level: "info" | "warning" | "error";
  /** What of the message explains a level that is not info; absent: all of it. */
  reason?: string;
  /** The configured source that it belongs to, as in `Chunk.source`. Default: the path itself. */
  source?: string;
  /** Events by dataset, most first, if any were read. */
  datasets?: Readonly<Record<string, number>>;
  /** What was read; the total if it is known. */
  progress?: { read: number; total?: number; unit: "bytes" | "objects" | "messages" };
};
