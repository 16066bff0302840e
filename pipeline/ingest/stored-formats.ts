import { resolve } from "node:path";

import type { Format } from "#collectors/format.ts";
import { findFormat } from "#collectors/formats/index.ts";
import type { Chunk, Position, Positions } from "#collectors/source.ts";

/**
 * What is stored of a stream in its position, in addition to the position of its source: its format, and the path at
 * which it was read. Positions of earlier versions, and of streams whose format is not known yet, lack them.
 */
const FORMAT = "stream.format";
const PATH = "stream.path";
/** `access.log-20260314`, `access.log.1.gz`: the suffixes of rotated files. */
const ROTATED = /(?:[-.]\d{1,14}){0,4}(?:\.(?:gz|zst))?$/;

/** Logs whose formats are remembered in addition to the stored ones, which have those of earlier logs. */
const LOGS_MAX = 10_000;

type Inherited = { format: Format; isInherited: boolean };
type Described = { format: Format; path: string };

export function withFormat(position: Position, { format, path }: Described): Position {
  return { ...position, [FORMAT]: format.dataset, [PATH]: path === "" ? "" : resolve(path) };
}

/** The format that is stored with a position; undefined if none is, or if this version does not have it. */
export function formatIn(position: Position | undefined): Format | undefined {
  const name = position?.[FORMAT];
  return typeof name === "string" ? findFormat(name) : undefined;
}

/** The formats that streams had when they were stored, also by path: after a rotation the same program writes there. */
export class StoredFormats {
  #positions: Positions = new Map();
  /** By path, of the stored positions; computed on demand. */
  #storedByLog: ReadonlyMap<string, Format> | undefined;
  readonly #readByLog = new Map<string, Format>();

  /** To be called with all stored positions, those stored last at the end. */
  update(positions: Positions): void {
    if (positions === this.#positions) return;
    this.#positions = positions;
    this.#storedByLog = undefined;
  }

  /** Notes the format of a stream that is read at this path. */
  note(path: string, format: Format): void {
    if (path === "") return;
    const log = logOf(path);
    this.#readByLog.delete(log);
    this.#readByLog.set(log, format);
    const [oldest] = this.#readByLog.keys();
    if (this.#readByLog.size > LOGS_MAX && oldest !== undefined) this.#readByLog.delete(oldest);
  }

  /** The format of this stream, or of the stream that was last read at its path: then it `isInherited`. */
  of({ sourceId, path }: Pick<Chunk, "sourceId" | "path">): Inherited | undefined {
    const own = formatIn(this.#positions.get(sourceId));
    if (own) return { format: own, isInherited: false };
    if (path === "") return undefined;
    const log = logOf(path);
    this.#storedByLog ??= formatsByLog(this.#positions);
    const format = this.#readByLog.get(log) ?? this.#storedByLog.get(log);
    return format && { format, isInherited: true };
  }
}

function formatsByLog(positions: Positions): Map<string, Format> {
  const formats = new Map<string, Format>();
  for (const position of positions.values()) {
    const format = formatIn(position);
    const path = position[PATH];
    if (format && typeof path === "string" && path !== "") formats.set(logOf(path), format);
  }
  return formats;
}

const logOf = (path: string): string => resolve(path).replace(ROTATED, "");
