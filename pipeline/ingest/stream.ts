import type { DurationUnits } from "#collectors/duration-units.ts";
import type { Format } from "#collectors/format.ts";
import { ecs } from "#collectors/formats/ecs.ts";
import type { Chunk, Position, SourceId } from "#collectors/source.ts";
import type { StreamFormats } from "#collectors/stream-formats.ts";
import type { Zone } from "#collectors/zone.ts";

import { AheadLines } from "./ahead-lines.ts";
import { Held } from "./held.ts";
import { LateLines } from "./late-lines.ts";
import { LineCounts } from "./line-counts.ts";
import { PUSHED_EVENTS } from "./pushed-status.ts";
import { RecentLines } from "./recent-lines.ts";
import { StreamZone } from "./stream-zone.ts";
import { UnrecognisedLines } from "./unrecognised-lines.ts";

/** The state of a stream while it is read. Pushed lines with different headers have separate states. */
export type Stream = {
  id: SourceId;
  /** The configured source of its latest chunk; empty if it has none. */
  source: string;
  readonly formats: StreamFormats;
  /** Which of the formats of users it was opened with; see `formatsVersion`. */
  formatsVersion: number;
  /** Dataset that the sender of the lines named for events without one; undefined: that of their format. */
  dataset: string | undefined;
  /** Dataset of what no format can read: lines in an envelope, or the messages of documents. Undefined: quarantine. */
  readonly unreadDataset: string | undefined;
  /** Time for lines without one, epoch ms: that of the line before, or of the first line with a time. */
  eventMs: number | undefined;
  /** When its latest chunk was read. */
  readMs: number;
  path: string;
  /** Whether its lines have a header, as those that were pushed. */
  readonly isPushed: boolean;
  /** Whether its lines are documents whose message may be a log line. */
  readonly readsMessages: boolean;
  /** Of such documents: the number of messages, since the last one, that no format could read. */
  unreadMessages: number;
  /** Whether its lines are originals: pushed ECS documents are written by the API that receives them. */
  readonly keepsLines: boolean;
  /** Position after everything that was read, including the lines that are held. */
  position: Position;
  /** The chunk that is read; undefined while rows are written of what was held. */
  chunk: Chunk | undefined;
  /** The first row of the chunk that is read, whose source fields are not written yet. */
  firstRow: number;
  /** Lines that the next chunk may continue. */
  readonly held: Held;
  readonly recent: RecentLines;
  readonly lines: LineCounts;
  /** Its events that rules dropped, by rule; of pushed lines those of all with this id. */
  readonly dropped: LineCounts;
  /** Rows of the chunk that is read whose format is not the main one. */
  rowsOfOthers: number;
  readonly ahead: AheadLines;
  readonly late: LateLines;
  /** When the lines of its latest chunk were written, if it is known. */
  writtenMs: number | undefined;
  readonly unrecognised: UnrecognisedLines;
  /** What its durations mean. */
  readonly units: DurationUnits;
  /** The zone of its times without one. */
  readonly zone: StreamZone;
  /** Whether its first lines were read for the evidence of `units`. */
  isSampled: boolean;
};

type Shared = {
  pushedAhead: AheadLines;
  units: DurationUnits;
  zone: Zone;
  dropped: LineCounts;
};

export function newStream(
  chunk: Chunk,
  formats: StreamFormats,
  { pushedAhead, units, zone, dropped }: Shared,
): Stream {
  const isPushed = chunk.header !== undefined;
  return {
    id: chunk.sourceId,
    source: sourceOf(chunk),
    formats,
    formatsVersion: 0,
    dataset: undefined,
    unreadDataset: chunk.header?.unreadDataset,
    eventMs: undefined,
    readMs: 0,
    path: chunk.path,
    isPushed,
    readsMessages: chunk.header?.message === "line",
    unreadMessages: 0,
    keepsLines: chunk.header?.format !== ecs.dataset,
    position: chunk.position,
    chunk: undefined,
    firstRow: 0,
    held: new Held(),
    recent: new RecentLines(),
    lines: new LineCounts(),
    dropped,
    rowsOfOthers: 0,
    ahead: isPushed ? pushedAhead : new AheadLines(),
    late: new LateLines(),
    writtenMs: undefined,
    unrecognised: new UnrecognisedLines(),
    units,
    zone: new StreamZone(zone),
    isSampled: false,
  };
}

/** The dataset of an event of this format, unless the event has its own. */
export const datasetOf = ({ dataset }: Stream, format: Format): string => dataset ?? format.dataset;

export const formatsOf = ({ formats: { main, others } }: Stream): Format[] =>
  main ? [main, ...others] : [];

/** Pushed lines without a name are one source. */
export const sourceOf = ({ source, header, path }: Chunk): string =>
  source ?? header?.source ?? (header ? PUSHED_EVENTS : path);

export const keyOf = ({ sourceId, header }: Chunk): string =>
  header
    ? `${sourceId} ${header.format ?? ""} ${header.dataset ?? ""} ${header.stream ?? ""}`
    : sourceId;
