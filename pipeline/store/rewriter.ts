import { rm } from "node:fs/promises";

import { Batch } from "#collectors/batch.ts";
import type { Lease } from "#platform/lease/lease.ts";

import { batchFooter } from "./batch-footer.ts";
import { cellColumns } from "./cell-columns.ts";
import { asText, type Duck } from "./duck.ts";
import { explained, writeSafe } from "./files.ts";
import { waitForCompactionLease } from "./leased-work.ts";
import { mergeEventFiles } from "./merge-event-files.ts";
import { mergeRollupFiles } from "./merge-rollup-files.ts";
import { batchColumns } from "./parquet/batch-columns.ts";
import { writeParquet } from "./parquet/write-parquet.ts";
import type { OpenRewrite, RewriteRequest, RewriteRows } from "./port.ts";
import { eventsWithLinesSql } from "./rebuilt-line-sql.ts";
import { isOneOf, matchesSql, mayHave, noneOf } from "./rewrite-selection.ts";
import { ROWS_AT_ONCE, rowRanges } from "./row-ranges.ts";
import type { SchemaFile } from "./schema-file.ts";
import type { SegmentFolder } from "./segment-folder.ts";
import { mergedFooter, mergeExtents, type Segment, type SegmentFooter } from "./segment-footer.ts";
import { INTACT, UnusableFiles } from "./segment-health.ts";
import type { SegmentId } from "./segment-id.ts";
import { addStoredRows, STORED_ROW_SQL } from "./stored-rows.ts";

type Parts = {
  segments: SegmentFolder;
  duck: Duck;
  schema: SchemaFile;
};

type Work = {
  request: RewriteRequest;
  /** Those of the matching events of the segment. */
  datasets: readonly string[];
  batch: Batch;
  rewriteRows: RewriteRows;
  lease: Lease;
  /** Is called with the number of rows that were examined. */
  onRows(rows: number): void;
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
 * Rewrites events. A segment with changed events is replaced by one with all of its other events and cells, by one rename, as
 * by a merge. As cells are sums, those of the datasets of changed events are computed again from all events of these.
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

  async rewrite(request: RewriteRequest, open: OpenRewrite): Promise<void> {
    const batch = new Batch(ROWS_AT_ONCE);
    const rewriteRows = open(batch);
    const { segments } = await this.#segments.listAll();
    const last = segments.at(-1)?.id ?? "";
    const done = new Set<SegmentId>();
    const total = segments
      .filter((segment) => mayHave(segment, request))
      .reduce((sum, { rows }) => sum + rows, 0);
    let examined = 0;
    try {
      for (;;) {
        await using lease = await waitForCompactionLease(this.#segments);
        const segment = await this.#next({ request, last, done });
        if (!segment) return;
        done.add(segment.id);
        const before = examined;
        const onRows = (rows: number): void => {
          examined = Math.min(total, before + Math.min(rows, segment.rows));
          request.onProgress?.({ done: examined, total });
        };
        const work = { request, batch, rewriteRows, lease, onRows };
        const id = await this.#rewriteSegment(segment, work);
        if (id) done.add(id);
        onRows(segment.rows);
      }
    } catch (error) {
      throw explained(error, this.#segments.folder);
    }
  }

  /** Another segment with events that were stored when the rewriting began. Others may merge meanwhile. */
  async #next(what: {
    request: RewriteRequest;
    last: string;
    done: ReadonlySet<SegmentId>;
  }): Promise<Segment | undefined> {
    const { segments } = await this.#segments.listAll();
    return segments
      .filter((segment) => this.#segments.health.isWhole(segment))
      .find(
        (segment) =>
          !what.done.has(segment.id) &&
          (segment.id <= what.last || segment.replaces.length > 0) &&
          mayHave(segment, what.request),
      );
  }

  /** The id of the segment that replaces this one; undefined if nothing was changed, or if it is damaged. */
  async #rewriteSegment(
    segment: Segment,
    given: Omit<Work, "newPath" | "datasets">,
  ): Promise<SegmentId | undefined> {
    const written: string[] = [];
    const newPath = async (): Promise<string> => {
      const path = await this.#segments.scratchPath();
      written.push(path);
      return path;
    };
    try {
      await this.#segments.health.verifyAfresh([segment], INTACT);
      const datasets = await this.#datasetsIn(segment, given.request);
      if (datasets.length === 0) return undefined;
      const work = { ...given, datasets, newPath };
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

  /** The datasets of its matching events. */
  async #datasetsIn(segment: Segment, request: RewriteRequest): Promise<string[]> {
    const files = await this.#filesOf(segment);
    const matches = matchesSql(segment, request);
    const rows = await this.#duck.rows(
      `SELECT DISTINCT "data_stream.dataset" FROM ${files} WHERE file_index = 1 AND ${matches.text}`,
      matches.parameters,
    );
    return rows.map(([dataset]) => asText(dataset)).filter((dataset) => dataset !== null);
  }

  async #rewriteRows(segment: Segment, work: Work): Promise<Rewritten> {
    const { batch, newPath } = work;
    const files = await this.#filesOf(segment);
    const matches = matchesSql(segment, work.request);
    const all: Rewritten = {
      rows: 0,
      changed: 0,
      events: [],
      rollups: [],
      extents: [],
      cells: [],
      hasNumberLists: false,
    };
    const where = `${isOneOf("data_stream.dataset", work.datasets)} AND file_index = 1`;
    for (const { from, to } of await rowRanges(this.#duck, segment, `${files} WHERE ${where}`)) {
      batch.reset();
      const chosen: number[] = [];
      const text = `SELECT ${STORED_ROW_SQL}, coalesce(${matches.text}, FALSE) FROM ${files}
        WHERE ${where} AND file_row_number >= ${from} AND file_row_number < ${to}`;
      await this.#duck.read({ ...matches, text }, (columns) => {
        const first = batch.rows;
        addStoredRows(batch, columns);
        for (const [row, isChosen] of (columns.at(-1) ?? []).entries()) {
          if (isChosen === true) chosen.push(first + row);
        }
        return true;
      });
      work.onRows(to);
      if (batch.rows === 0) continue;
      const { changed, cells } = await work.rewriteRows(chosen);
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

  async #replace(
    segment: Segment,
    rewritten: Rewritten,
    { datasets, lease, newPath }: Work,
  ): Promise<SegmentId | undefined> {
    const id = await this.#segments.nextId();
    const rollup = await this.#mergeCells(segment, rewritten, { datasets, newPath });
    const others = segment.extents.filter((extent) => !datasets.includes(extent.dataset));
    const extents = mergeExtents([...others, ...rewritten.extents]);
    const cells = rollup?.cells ?? null;
    const merged = mergedFooter([segment], { id, cells, known: this.#segments });
    const added = rewritten.hasNumberLists ? { hasNumberLists: true as const } : {};
    const footer = { ...merged, ...added, extents };
    const events = await this.#mergeEvents(segment, rewritten, { datasets, footer, newPath });
    const isValid = async (): Promise<boolean> =>
      (await lease.confirm()) && (await this.#counts(segment.id));
    const files = { events, rollup: rollup?.path };
    return (await this.#segments.commit(footer, files, isValid)) ? id : undefined;
  }

  /** In two steps, because a condition that concerns only one of the files would require memory for long lines. */
  async #mergeEvents(
    segment: Segment,
    rewritten: Rewritten,
    { datasets, footer, newPath }: Pick<Work, "datasets" | "newPath"> & { footer: SegmentFooter },
  ): Promise<string> {
    const paths = [...rewritten.events];
    if (rewritten.rows < segment.rows) {
      const others = await newPath();
      await mergeEventFiles(this.#duck, {
        inputs: [segment],
        paths: [this.#segments.eventsPath(segment.id)],
        stays: noneOf("data_stream.dataset", datasets),
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
    { datasets, newPath }: Pick<Work, "datasets" | "newPath">,
  ): Promise<{ path: string; cells: NonNullable<SegmentFooter["cells"]> } | undefined> {
    const own = segment.cells ? [this.#segments.rollupPath(segment.id)] : [];
    const paths = [...own, ...rewritten.rollups];
    if (paths.length === 0) return undefined;
    const { text, parameters } = noneOf("dataset", datasets);
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
