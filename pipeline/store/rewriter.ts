import { rm } from "node:fs/promises";

import { Batch } from "#collectors/batch.ts";
import type { Lease } from "#platform/lease/lease.ts";

import { batchFooter } from "./batch-footer.ts";
import { cellColumns } from "./cell-columns.ts";
import { asNumber, type Duck, quoted } from "./duck.ts";
import { explained, writeSafe } from "./files.ts";
import type { Statement } from "./filter-sql.ts";
import { waitForCompactionLease } from "./leased-work.ts";
import { mergeEventFiles } from "./merge-event-files.ts";
import { mergeRollupFiles } from "./merge-rollup-files.ts";
import { batchColumns } from "./parquet/batch-columns.ts";
import { writeParquet } from "./parquet/write-parquet.ts";
import type { OpenRewrite, RewriteRows } from "./port.ts";
import { eventsWithLinesSql } from "./rebuilt-line-sql.ts";
import type { SchemaFile } from "./schema-file.ts";
import type { SegmentFolder } from "./segment-folder.ts";
import { mergedFooter, mergeExtents, type Segment, type SegmentFooter } from "./segment-footer.ts";
import { INTACT, UnusableFiles } from "./segment-health.ts";
import type { SegmentId } from "./segment-id.ts";
import { addStoredRows, STORED_ROW_SQL } from "./stored-rows.ts";

/** The rows of a segment that are read at a time: fewer if their lines are long. */
const ROWS_AT_ONCE = 8_192;
const BYTES_AT_ONCE = 16 * 1024 * 1024;
/** The lengths of long lines are added up for so many rows. */
const GROUP_ROWS = 4;

type Parts = {
  segments: SegmentFolder;
  duck: Duck;
  schema: SchemaFile;
};

type Work = {
  dataset: string;
  batch: Batch;
  rewriteRows: RewriteRows;
  lease: Lease;
  /** Returns the path of a new scratch file. */
  newPath(): Promise<string>;
};

/** The rewritten events of a segment: files, which the caller removes, and what their footer would have. */
type Rewritten = {
  rows: number;
  changed: number;
  events: string[];
  rollups: string[];
  extents: SegmentFooter["extents"];
  cells: NonNullable<SegmentFooter["cells"]>[];
  hasNumberLists: boolean;
};

/**
 * Rewrites the events of a dataset. A segment with changed events is replaced by one with all of its other events and
 * cells, by one rename, as by a merge.
 */
export class Rewriter {
  readonly #segments: SegmentFolder;
  readonly #duck: Duck;
  readonly #schema: SchemaFile;

  constructor({ segments, duck, schema }: Parts) {
    this.#segments = segments;
    this.#duck = duck;
    this.#schema = schema;
  }

  async rewrite(dataset: string, open: OpenRewrite): Promise<void> {
    const batch = new Batch(ROWS_AT_ONCE);
    const rewriteRows = open(batch);
    const { segments } = await this.#segments.listAll();
    const last = segments.at(-1)?.id ?? "";
    const done = new Set<SegmentId>();
    try {
      for (;;) {
        await using lease = await waitForCompactionLease(this.#segments);
        const segment = await this.#next({ dataset, last, done });
        if (!segment) return;
        done.add(segment.id);
        const id = await this.#rewriteSegment(segment, { dataset, batch, rewriteRows, lease });
        if (id) done.add(id);
      }
    } catch (error) {
      throw explained(error, this.#segments.folder);
    }
  }

  /** Another segment with events of the dataset that were stored when the rewriting began. Others may merge meanwhile. */
  async #next(what: {
    dataset: string;
    last: string;
    done: ReadonlySet<SegmentId>;
  }): Promise<Segment | undefined> {
    const { segments } = await this.#segments.listAll();
    return segments
      .filter((segment) => this.#segments.health.isWhole(segment))
      .find(
        ({ id, replaces, extents }) =>
          !what.done.has(id) &&
          (id <= what.last || replaces.length > 0) &&
          extents.some((extent) => extent.dataset === what.dataset),
      );
  }

  /** The id of the segment that replaces this one; undefined if nothing was changed, or if it is damaged. */
  async #rewriteSegment(
    segment: Segment,
    given: Omit<Work, "newPath">,
  ): Promise<SegmentId | undefined> {
    const written: string[] = [];
    const newPath = async (): Promise<string> => {
      const path = await this.#segments.scratchPath();
      written.push(path);
      return path;
    };
    try {
      await this.#segments.health.verifyAfresh([segment], INTACT);
      const work = { ...given, newPath };
      const rewritten = await this.#rewriteRows(segment, work);
      return rewritten.changed === 0 ? undefined : await this.#replace(segment, rewritten, work);
    } catch (error) {
      // Its events can be rewritten when it was repaired.
      if (error instanceof UnusableFiles) return undefined;
      throw error;
    } finally {
      for (const path of written) await rm(path, { force: true });
    }
  }

  async #rewriteRows(segment: Segment, work: Work): Promise<Rewritten> {
    const { batch, newPath } = work;
    const files = await this.#filesOf(segment);
    const all: Rewritten = {
      rows: 0,
      changed: 0,
      events: [],
      rollups: [],
      extents: [],
      cells: [],
      hasNumberLists: false,
    };
    const where = `"data_stream.dataset" = ${quoted(work.dataset)} AND file_index = 1`;
    for (const { from, to } of await this.#ranges(segment, `${files} WHERE ${where}`)) {
      batch.reset();
      await this.#duck.read(
        `SELECT ${STORED_ROW_SQL} FROM ${files}
         WHERE ${where} AND file_row_number >= ${from} AND file_row_number < ${to}`,
        (columns) => {
          addStoredRows(batch, columns);
          return true;
        },
      );
      if (batch.rows === 0) continue;
      const { changed, cells } = await work.rewriteRows();
      all.rows += batch.rows;
      all.changed += changed;
      const footer = batchFooter(segment.id, { batch, cells, positions: new Map() });
      all.hasNumberLists ||= footer.hasNumberLists === true;
      all.extents = mergeExtents([...all.extents, ...footer.extents]);
      const events = await newPath();
      await writeSafe(events, writeParquet(batchColumns(batch), batch.rows, {}).parts);
      all.events.push(events);
      if (!footer.cells) continue;
      const rollup = await newPath();
      await writeSafe(rollup, writeParquet(cellColumns(cells), cells.length, {}).parts);
      all.rollups.push(rollup);
      all.cells.push(footer.cells);
    }
    return all;
  }

  /** Ranges of row numbers that are read together. */
  async #ranges(
    { rows, hasLongRows }: Segment,
    events: string,
  ): Promise<{ from: number; to: number }[]> {
    const ranges: { from: number; to: number }[] = [];
    if (!hasLongRows) {
      for (let from = 0; from < rows; from += ROWS_AT_ONCE) {
        ranges.push({ from, to: from + ROWS_AT_ONCE });
      }
      return ranges;
    }
    const groups = await this.#duck.rows(
      `SELECT file_row_number // ${GROUP_ROWS} AS number, sum(strlen("event.original"))
       FROM ${events} GROUP BY number ORDER BY number`,
    );
    let bytes = 0;
    for (const [number, length] of groups) {
      const from = asNumber(number) * GROUP_ROWS;
      const to = from + GROUP_ROWS;
      bytes += asNumber(length);
      const last = ranges.at(-1);
      if (last && bytes <= BYTES_AT_ONCE && to - last.from <= ROWS_AT_ONCE) {
        last.to = to;
        continue;
      }
      ranges.push({ from, to });
      bytes = asNumber(length);
    }
    return ranges;
  }

  async #replace(
    segment: Segment,
    rewritten: Rewritten,
    { dataset, lease, newPath }: Work,
  ): Promise<SegmentId | undefined> {
    const id = await this.#segments.nextId();
    const rollup = await this.#mergeCells(segment, rewritten, { dataset, newPath });
    const others = segment.extents.filter((extent) => extent.dataset !== dataset);
    const extents = mergeExtents([...others, ...rewritten.extents]);
    const cells = rollup?.cells ?? null;
    const merged = mergedFooter([segment], { id, cells, known: this.#segments });
    const added = rewritten.hasNumberLists ? { hasNumberLists: true as const } : {};
    const footer = { ...merged, ...added, extents };
    const events = await this.#mergeEvents(segment, rewritten, { dataset, footer, newPath });
    const isValid = async (): Promise<boolean> =>
      (await lease.confirm()) && (await this.#counts(segment.id));
    const files = { events, rollup: rollup?.path };
    return (await this.#segments.commit(footer, files, isValid)) ? id : undefined;
  }

  /** In two steps, because a condition that concerns only one of the files would require memory for long lines. */
  async #mergeEvents(
    segment: Segment,
    rewritten: Rewritten,
    { dataset, footer, newPath }: Pick<Work, "dataset" | "newPath"> & { footer: SegmentFooter },
  ): Promise<string> {
    const paths = [...rewritten.events];
    if (rewritten.rows < segment.rows) {
      const others = await newPath();
      await mergeEventFiles(this.#duck, {
        inputs: [segment],
        paths: [this.#segments.eventsPath(segment.id)],
        stays: otherThan("data_stream.dataset", dataset),
        footer,
        path: others,
      });
      paths.unshift(others);
    }
    const path = await newPath();
    // Rewritten events may have any of the segment's times.
    const inputs = paths.map(() => segment);
    const stays = { text: "TRUE", parameters: [] };
    await mergeEventFiles(this.#duck, { inputs, paths, stays, footer, path });
    return path;
  }

  async #mergeCells(
    segment: Segment,
    rewritten: Rewritten,
    { dataset, newPath }: Pick<Work, "dataset" | "newPath">,
  ): Promise<{ path: string; cells: NonNullable<SegmentFooter["cells"]> } | undefined> {
    const own = segment.cells ? [this.#segments.rollupPath(segment.id)] : [];
    const paths = [...own, ...rewritten.rollups];
    if (paths.length === 0) return undefined;
    const { text, parameters } = otherThan("dataset", dataset);
    const stays = { text: own.length > 0 ? `(file_index > 0 OR ${text})` : "TRUE", parameters };
    const merged = await mergeRollupFiles(this.#duck, { paths, stays, newPath });
    if (!merged) return undefined;
    const all = [...(segment.cells ? [segment.cells] : []), ...rewritten.cells];
    const from = Math.min(...all.map((cells) => cells.from));
    const to = Math.max(...all.map((cells) => cells.to));
    return { path: merged.path, cells: { rows: merged.rows, from, to } };
  }

  async #counts(id: SegmentId): Promise<boolean> {
    const { segments } = await this.#segments.listAll();
    return segments.some((segment) => segment.id === id);
  }

  /** The file of a segment, after one that has every column. */
  async #filesOf(segment: Segment): Promise<string> {
    return eventsWithLinesSql([await this.#schema.path(), this.#segments.eventsPath(segment.id)]);
  }
}

const otherThan = (column: string, dataset: string): Statement => ({
  text: `"${column}" IS DISTINCT FROM ${quoted(dataset)}`,
  parameters: [],
});
