import { resolve } from "node:path";

import type { Format } from "#collectors/format.ts";
import { findFormat } from "#collectors/formats/index.ts";
import type { Chunk, Position, Positions, SourceId } from "#collectors/source.ts";

import type { ZoneUse } from "./stream-zone.ts";

/**
 * What is stored of a stream in its position, in addition to the position of its source: its main format, the others,
 * what was decided about its lines, and the path at which it was read. Positions of earlier versions, and of streams whose format is not known yet, lack
 * them.
 */
const FORMAT = "stream.format";
const OTHERS = "stream.formats";
const PATH = "stream.path";
const UNITS = "stream.units";
const LINES = "stream.lines";
const DROPPED = "stream.dropped";
const ZONE = "stream.zone";
const FIELD_NAMES = "stream.field_names";
const HEADER_ZONES = "stream.header_zones";
const SOURCE = "stream.source";
const ACTIVITY = "stream.activity";
const PUSHED = "stream.pushed";
/** `access.log-20260314`, `access.log.1.gz`: the suffixes of rotated files. */
const ROTATED = /(?:[-.]\d{1,14}){0,4}(?:\.(?:gz|zst))?$/;

/** Logs whose formats are remembered in addition to the stored ones, which have those of earlier logs. */
const LOGS_MAX = 10_000;

export type Decided = {
  path: string;
  /** What was decided about its durations. */
  units: string;
  /** The number of its events by dataset. */
  lines: string;
  /** The names in its latest header line. */
  fieldNames: string;
  /** The number of its events that rules dropped, by rule. */
  dropped: string;
} & ZoneUse;

/** The configured source of a stream, and when it was active, as text. */
export type StoredActivity = { source: string; activity: string };

/** The main format is the first one. */
type Described = Decided & StoredActivity & { formats: readonly Format[] };

export function withFormats(
  position: Position,
  {
    formats,
    path,
    units,
    lines,
    dropped,
    fieldNames,
    zone,
    headerZones,
    source,
    activity,
  }: Described,
): Position {
  const [main, ...others] = formats.map(({ dataset }) => dataset);
  if (main === undefined) return position;
  return {
    ...position,
    [FORMAT]: main,
    ...(others.length > 0 && { [OTHERS]: others.join(",") }),
    ...(units !== "" && { [UNITS]: units }),
    ...(lines !== "" && { [LINES]: lines }),
    ...(fieldNames !== "" && { [FIELD_NAMES]: fieldNames }),
    ...(dropped !== "" && { [DROPPED]: dropped }),
    ...(zone !== "" && { [ZONE]: zone }),
    ...(headerZones.length > 0 && { [HEADER_ZONES]: headerZones.join(",") }),
    ...(activity !== "" && { [SOURCE]: source, [ACTIVITY]: activity }),
    [PATH]: path === "" ? "" : resolve(path),
  };
}

/** Of pushed lines, whose formats are in their headers. */
export const withDropped = (position: Position, dropped: string): Position =>
  dropped === "" ? position : { ...position, [DROPPED]: dropped };

/** The formats that are stored with a position, the main one first, as far as this version has them. */
export function formatsIn(position: Position | undefined): Format[] {
  const names = [position?.[FORMAT], ...String(position?.[OTHERS] ?? "").split(",")];
  return names
    .map((name) => (typeof name === "string" ? findFormat(name) : undefined))
    .filter((format) => format !== undefined);
}

/** What is stored with a position; empty texts if there is none. */
export function storedIn(position: Position | undefined): Decided {
  const text = (name: string): string => String(position?.[name] ?? "");
  const zones = text(HEADER_ZONES);
  return {
    path: text(PATH),
    units: text(UNITS),
    lines: text(LINES),
    fieldNames: text(FIELD_NAMES),
    dropped: text(DROPPED),
    zone: text(ZONE),
    headerZones: zones === "" ? [] : zones.split(","),
  };
}

/** What is stored with a position of its source; empty texts if there is nothing. */
export const storedActivityIn = (position: Position): StoredActivity => ({
  source: String(position[SOURCE] ?? ""),
  activity: String(position[ACTIVITY] ?? ""),
});

/** With when the sources of pushed events were active, which share the positions of the bus. */
export const withPushed = (position: Position, pushed: readonly StoredActivity[]): Position => ({
  ...position,
  [PUSHED]: pushed.map(({ source, activity }) => `${activity}\t${source}`).join("\n"),
});

/** The sources of pushed events that are stored with a position. */
export const storedPushedIn = (position: Position): StoredActivity[] =>
  String(position[PUSHED] ?? "")
    .split("\n")
    .flatMap((line) => {
      const at = line.indexOf("\t");
      return at < 0 ? [] : [{ activity: line.slice(0, at), source: line.slice(at + 1) }];
    });

/** The formats that streams had when they were stored, also by path: after a rotation the same program writes there. */
export class StoredFormats {
  #positions: Positions = new Map();
  /** By path, of the stored positions; computed on demand. */
  #storedByLog: ReadonlyMap<string, readonly Format[]> | undefined;
  #storedByPath: ReadonlyMap<string, Position> | undefined;
  readonly #readByLog = new Map<string, readonly Format[]>();

  /** To be called with all stored positions, those stored last at the end. */
  update(positions: Positions): void {
    if (positions === this.#positions) return;
    this.#positions = positions;
    this.#storedByLog = undefined;
    this.#storedByPath = undefined;
  }

  /** Notes the formats of a stream that is read at this path. */
  note(path: string, formats: readonly Format[]): void {
    if (path === "") return;
    const log = logOf(path);
    this.#readByLog.delete(log);
    this.#readByLog.set(log, formats);
    const [oldest] = this.#readByLog.keys();
    if (this.#readByLog.size > LOGS_MAX && oldest !== undefined) this.#readByLog.delete(oldest);
  }

  /** What was decided about the durations of this stream, otherwise of the stream that was last read at its path. */
  unitsOf({ sourceId, path }: Pick<Chunk, "sourceId" | "path">): string {
    const own = storedIn(this.#positions.get(sourceId)).units;
    if (own !== "" || path === "") return own;
    const log = logOf(path);
    const before = [...this.#positions.values()].findLast((position) => {
      const { path: at, units } = storedIn(position);
      return at !== "" && units !== "" && logOf(at) === log;
    });
    return storedIn(before).units;
  }

  /** What was decided about the lines of this stream. */
  decidedOf(sourceId: SourceId): Decided {
    return storedIn(this.#positions.get(sourceId));
  }

  /** The events by dataset of the stream that was stored last of those that were read at this path. */
  linesAt(path: string): string {
    return storedIn(this.positionAt(path)).lines;
  }

  /** The number of dropped events by rule of that stream. */
  droppedAt(path: string): string {
    return storedIn(this.positionAt(path)).dropped;
  }

  /** The position of the stream that was stored last of those that were read at this path. */
  positionAt(path: string): Position | undefined {
    this.#storedByPath ??= positionsByPath(this.#positions);
    return this.#storedByPath.get(resolve(path));
  }

  /** The formats of this stream, otherwise those of the stream that was last read at its path. */
  of({ sourceId, path }: Pick<Chunk, "sourceId" | "path">): readonly Format[] {
    const own = formatsIn(this.#positions.get(sourceId));
    if (own.length > 0 || path === "") return own;
    const log = logOf(path);
    this.#storedByLog ??= formatsByLog(this.#positions);
    return presentOf(this.#readByLog.get(log) ?? this.#storedByLog.get(log) ?? []);
  }
}

/** Users change and remove formats of theirs. */
const presentOf = (formats: readonly Format[]): Format[] =>
  formats.map(({ dataset }) => findFormat(dataset)).filter((format) => format !== undefined);

function positionsByPath(positions: Positions): Map<string, Position> {
  const byPath = new Map(
    [...positions.values()].map((position) => [storedIn(position).path, position]),
  );
  byPath.delete("");
  return byPath;
}

function formatsByLog(positions: Positions): Map<string, Format[]> {
  const byLog = new Map<string, Format[]>();
  for (const position of positions.values()) {
    const formats = formatsIn(position);
    const { path } = storedIn(position);
    if (formats.length > 0 && path !== "") {
      byLog.set(logOf(path), formats);
    }
  }
  return byLog;
}

const logOf = (path: string): string => resolve(path).replace(ROTATED, "");
