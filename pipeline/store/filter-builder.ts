import { rm } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";

import { ORIGINAL_BYTES } from "#collectors/fields.ts";
import type { Clock } from "#platform/clock.ts";

import { FULL_TEXT_FIELDS } from "../matches.ts";
import { type GramFilter, GramFilterBuilder } from "../sketches/gram-filter.ts";
import { isMergedFully } from "./compaction-plan.ts";
import { asNumber, type Duck, identifier, isOutOfMemory, quoted } from "./duck.ts";
import { fileStamp } from "./file-verifier.ts";
import { publish, writeSafe } from "./files.ts";
import { filterFileParts } from "./filter-file.ts";
import { eventsWithLinesSql } from "./rebuilt-line-sql.ts";
import { SchemaFile } from "./schema-file.ts";
import { FILTER_ROWS_MIN, readFilter } from "./segment-filters.ts";
import type { SegmentFolder } from "./segment-folder.ts";
import type { Segment } from "./segment-footer.ts";
import { madeMs, type SegmentId } from "./segment-id.ts";

/** Segments that may be merged soon get a filter when they have existed for this long. */
const SETTLED_MS = 10_000;
/** Rows whose texts are read at a time: at most a row group of merged files, because DuckDB skips the others. */
const ROWS_AT_ONCE_MAX = 122_880;
const BYTES_AT_ONCE_MAX = 48 * 1024 * 1024;
/** DuckDB joins the texts of this many rows, because each value that it returns takes about a microsecond. */
const ROWS_JOINED = 64;
/** New lines must not wait for longer until they are read and folded. */
const TURN_MS_MAX = 4;

type Parts = { segments: SegmentFolder; duck: Duck; clock: Clock };

/**
 * Builds the filters of merged segments, which tell searches that none of their texts has the words. Not while events are
 * stored, because storing would take a fifth longer. To be used by the holder of the compaction lease.
 */
export class FilterBuilder {
  readonly #segments: SegmentFolder;
  readonly #duck: Duck;
  readonly #clock: Clock;
  /** The stamps of intact filters; `none` for segments whose texts exceed the memory limit. */
  readonly #known = new Map<SegmentId, string>();

  constructor({ segments, duck, clock }: Parts) {
    this.#segments = segments;
    this.#duck = duck;
    this.#clock = clock;
  }

  /** Builds the filter of a segment that has none, or a damaged one; undefined if all have theirs. */
  async buildNext(segments: readonly Segment[]): Promise<true | undefined> {
    const there = new Set(segments.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!there.has(id)) this.#known.delete(id);
    for (const segment of segments.toReversed()) {
      if (!this.#isDue(segment) || (await this.#hasFilter(segment.id))) continue;
      await this.#build(segment);
      return true;
    }
    return undefined;
  }

  #isDue(segment: Segment): boolean {
    if (segment.rows < FILTER_ROWS_MIN || segment.hasLongRows) return false;
    return isMergedFully(segment) || this.#clock.nowMs() - madeMs(segment.id) > SETTLED_MS;
  }

  async #hasFilter(id: SegmentId): Promise<boolean> {
    const known = this.#known.get(id);
    const stamp = fileStamp(this.#segments.filterPath(id)) ?? NONE;
    if (known === NONE || (known === stamp && stamp !== NONE)) return true;
    if (stamp === NONE || !(await readFilter(this.#segments, id))) return false;
    this.#known.set(id, stamp);
    return true;
  }

  async #build(segment: Segment): Promise<void> {
    const { id } = segment;
    const path = this.#segments.filterPath(id);
    await this.#segments.health.verify([segment], "events", true);
    const filter = await this.#filterOf(segment).catch((error: unknown) => {
      if (!isOutOfMemory(error)) throw error;
      this.#known.set(id, NONE);
    });
    if (!filter) return;
    const draft = await this.#segments.scratchPath();
    await writeSafe(draft, filterFileParts(id, filter));
    await publish(draft, path);
    // The segment may have been removed in the meantime.
    if (!this.#segments.find(id)) await rm(path, { force: true });
  }

  async #filterOf({ id, rows }: Segment): Promise<GramFilter> {
    const builder = new GramFilterBuilder(rows);
    const path = this.#segments.eventsPath(id);
    const schema = new SchemaFile(this.#segments);
    const files = eventsWithLinesSql([await schema.path(), path]);
    const step = await this.#rowsAtOnce(path, rows);
    for (let from = 0; from < rows; from += step) {
      const range = `file_row_number >= ${from} AND file_row_number < ${from + step}`;
      await this.#addTexts(builder, textsSql(`${files} WHERE file_index = 1 AND ${range}`));
    }
    return builder.done();
  }

  async #rowsAtOnce(path: string, rows: number): Promise<number> {
    const [row] = await this.#duck.rows(
      `SELECT sum(total_uncompressed_size)::BIGINT FROM parquet_metadata(${quoted(path)})`,
    );
    const bytesPerRow = asNumber(row?.[0]) / rows;
    const fitting = Math.floor(BYTES_AT_ONCE_MAX / Math.max(1, bytesPerRow));
    return Math.min(ROWS_AT_ONCE_MAX, Math.max(1, fitting));
  }

  async #addTexts(builder: GramFilterBuilder, sql: string): Promise<void> {
    const parts = await this.#duck.rows(sql);
    let startedMs = performance.now();
    for (const [texts] of parts) {
      if (!(texts instanceof Uint8Array)) continue;
      builder.add(texts);
      if (performance.now() - startedMs < TURN_MS_MAX) continue;
      await nextTurn();
      startedMs = performance.now();
    }
  }
}

const NONE = "none";

/**
 * All texts of some rows, with line feeds between them. Texts that the original line of their event contains are left out.
 */
function textsSql(rows: string): string {
  const line = identifier("event.original");
  const others = FULL_TEXT_FIELDS.filter((field) => field !== "event.original").map(identifier);
  const texts = [...others, `TRY(decode(${identifier(ORIGINAL_BYTES)}))`].map(
    (text) => `CASE WHEN contains(${line}, ${text}) THEN NULL ELSE ${text} END`,
  );
  const all = `concat_ws(chr(10), ${[line, ...texts].join(", ")})`;
  return `SELECT encode(string_agg(${all}, chr(10))) FROM ${rows} GROUP BY file_row_number // ${ROWS_JOINED}`;
}
