import type { DuckDBValue } from "@duckdb/node-api";

import { ROLLUP_LEVELS_S } from "../rollup.ts";
import { type CellChunk, CellChunkBuilder, type StoredCell } from "./cell-chunk.ts";
import { blobBytes, cellFilesSql, type Duck, quoted, type Use } from "./duck.ts";
import type { CellsRequest } from "./port.ts";
import type { Segment } from "./segment-footer.ts";
import type { SegmentId } from "./segment-id.ts";

/** A rollup file with at most this many cells is read completely, because opening it is most of the cost. */
const SMALL_CELLS = 10_000;

/** The asker of reads into the cache. */
const SHARED_CELLS = "shared cells";

/** Unit of the cache: all cells of a small segment, or those of one measure and level of a large one. */
type Unit = { name: string; segment: Segment; measure: string | undefined };
type Kept = { chunks: CellChunk[]; bytes: number };
type Options = {
  duck: Duck;
  pathOf: (id: SegmentId) => string;
  /** Rejects if the rollup files of these segments must not be read. */
  verify: (segments: readonly Segment[]) => Promise<void>;
  bytesMax: number;
};

/**
 * An LRU cache of rollup cells with at most `bytesMax` bytes. Segments never change, so a unit is
 * valid while its segment counts. Requests that need more than fits are answered from the files.
 */
export class CellCache {
  readonly #duck: Duck;
  readonly #pathOf: Options["pathOf"];
  readonly #verify: Options["verify"];
  readonly #bytesMax: number;
  /** Cached units by name, least recently used first. */
  readonly #kept = new Map<string, Kept>();
  /** Size of units, or a lower bound if the size is unknown. */
  readonly #sizes = new Map<string, { id: SegmentId; bytes: number }>();
  #bytes = 0;
  #reading: Promise<void> = Promise.resolve();

  constructor({ duck, pathOf, verify, bytesMax }: Options) {
    this.#duck = duck;
    this.#pathOf = pathOf;
    this.#verify = verify;
    this.#bytesMax = bytesMax;
  }

  /** At least all cells of the segments that the request covers; undefined if they do not fit. */
  async chunks(
    segments: readonly Segment[],
    request: CellsRequest,
    use: Use,
  ): Promise<CellChunk[] | undefined> {
    const units = segments.flatMap((segment) => unitsOf(segment, request));
    if (!this.#fits(units)) return undefined;
    if (this.#missing(units).length > 0) {
      // Sequential, so that nothing is read twice.
      const reading = this.#reading.then(() => this.#read(units, request, use));
      this.#reading = reading.catch(() => undefined);
      await reading;
    }
    const found: CellChunk[] = [];
    for (const { name } of units) {
      const kept = this.#kept.get(name);
      if (!kept) return undefined;
      this.#kept.delete(name);
      this.#kept.set(name, kept);
      for (const chunk of kept.chunks) found.push(chunk);
    }
    return found;
  }

  /** Evicts the segments that no longer count. */
  keepOnly(segments: readonly Segment[]): void {
    const there = new Set(segments.map(({ id }) => id));
    for (const [name, { id }] of this.#sizes) {
      if (there.has(id)) continue;
      this.#forget(name);
      this.#sizes.delete(name);
    }
  }

  #fits(units: readonly Unit[]): boolean {
    const bytes = units.reduce((sum, { name }) => sum + (this.#sizes.get(name)?.bytes ?? 0), 0);
    return bytes <= this.#bytesMax;
  }

  #missing(units: readonly Unit[]): Unit[] {
    return units.filter(({ name }) => !this.#kept.has(name));
  }

  /**
   * One read for all small segments, and one for all segments that lack the same measure. Others wait for it, so that it has
   * a turn of its own instead of waiting behind other questions of the asker that needed it first.
   */
  async #read(units: readonly Unit[], { levelS, measures }: CellsRequest, use: Use): Promise<void> {
    for (const measure of [undefined, ...new Set(measures)]) {
      const missing = this.#missing(units).filter((unit) => unit.measure === measure);
      if (missing.length === 0) continue;
      await this.#verify(missing.map(({ segment }) => segment));
      const paths = missing.map(({ segment }) => this.#pathOf(segment.id));
      const where = measure ? `WHERE level_s = ${levelS} AND measure = ${quoted(measure)}` : "";
      const reading = missing.map(() => new SegmentCells());
      const isRead = await this.#duck.read(
        `SELECT ${COLUMNS} FROM ${cellFilesSql(paths)} ${where}`,
        (columns) => {
          addRows(reading, columns);
          return reading.reduce((sum, { bytes }) => sum + bytes, 0) <= this.#bytesMax;
        },
        { ...use, question: { ...use.question, asker: SHARED_CELLS } },
      );
      for (const [i, { name, segment }] of missing.entries()) {
        this.#sizes.set(name, { id: segment.id, bytes: reading[i]?.bytes ?? 0 });
      }
      if (!isRead || !this.#fits(units)) return;
      for (const [i, { name }] of missing.entries()) this.#keep(name, reading[i]?.finish() ?? []);
    }
  }

  #keep(name: string, chunks: CellChunk[]): void {
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
    this.#kept.set(name, { chunks, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#forget(oldest);
    }
  }

  #forget(name: string): void {
    const kept = this.#kept.get(name);
    if (!kept) return;
    this.#bytes -= kept.bytes;
    this.#kept.delete(name);
  }
}

function unitsOf(segment: Segment, { levelS, measures }: CellsRequest): Unit[] {
  const { id, cells } = segment;
  if (!cells) return [];
  if (cells.rows <= SMALL_CELLS) return [{ name: id, segment, measure: undefined }];
  return [...new Set(measures)].map((measure) => ({
    name: `${id} ${levelS} ${measure}`,
    segment,
    measure,
  }));
}

/** The cells of one file, grouped by level and measure. */
class SegmentCells {
  readonly #builders = new Map<string, CellChunkBuilder>();
  #last: StoredCell | undefined;
  #lastBuilder: CellChunkBuilder | undefined;

  get bytes(): number {
    return [...this.#builders.values()].reduce((sum, builder) => sum + builder.bytes, 0);
  }

  add(cell: StoredCell): void {
    const last = this.#last;
    let builder = this.#lastBuilder;
    if (!builder || last?.levelS !== cell.levelS || last.measure !== cell.measure) {
      const name = `${cell.levelS} ${cell.measure}`;
      builder = this.#builders.get(name) ?? new CellChunkBuilder(cell);
      this.#builders.set(name, builder);
      this.#lastBuilder = builder;
    }
    this.#last = cell;
    builder.add(cell);
  }

  finish(): CellChunk[] {
    return [...this.#builders.values()].map((builder) => builder.finish());
  }
}

const COLUMNS =
  "file_index::INTEGER, level_s::INTEGER, measure, t::DOUBLE, dataset, key, value, sketch";

/** Adds rows of COLUMNS, given column by column, to the cells of their files. */
function addRows(files: readonly SegmentCells[], columns: readonly DuckDBValue[][]): void {
  const rows = columns[0]?.length ?? 0;
  for (let row = 0; row < rows; row += 1) {
    const cell = storedCell(columns, row);
    if (cell) files[Number(columns[0]?.[row])]?.add(cell);
  }
}

/** Undefined for a level that is unknown to this version. */
function storedCell(columns: readonly DuckDBValue[][], row: number): StoredCell | undefined {
  const levelS = ROLLUP_LEVELS_S.find((known) => known === columns[1]?.[row]);
  if (levelS === undefined) return undefined;
  const text = (column: number): string => String(columns[column]?.[row] ?? "");
  return {
    levelS,
    measure: text(2),
    t: Number(columns[3]?.[row]),
    dataset: text(4),
    key: text(5),
    value: Number(columns[6]?.[row]),
    sketch: blobBytes(columns[7]?.[row]) ?? null,
  };
}
