import { createHash, randomUUID } from "node:crypto";
import { access } from "node:fs/promises";
import { join } from "node:path";

import { EXTRA_FIELD, FIELDS } from "#collectors/fields.ts";
import { ifExists } from "#platform/files.ts";

import type { StoreFilter, TimeRange } from "../filter.ts";
import { cellsSql } from "./aggregate-sql.ts";
import { mergedCells } from "./answer-rows.ts";
import { CellCache } from "./cell-cache.ts";
import { cellFilesSql, type Duck, eventFilesSql, type Row, type Use, type Work } from "./duck.ts";
import { publish, writeSafe } from "./files.ts";
import type { Statement } from "./filter-sql.ts";
import { mergeCells } from "./merge-cells.ts";
import type { ParquetColumn } from "./parquet/column.ts";
import { writeParquet } from "./parquet/write-parquet.ts";
import type { CellsRequest, MergedCell, SearchRequest } from "./port.ts";
import type { Question } from "./questions.ts";
import { joinFound, searchSql, timeOfRow } from "./search-sql.ts";
import type { SegmentFolder } from "./segment-folder.ts";
import { newestMs, type Segment } from "./segment-footer.ts";
import type { SegmentId } from "./segment-id.ts";

/** Another process may remove a file between listing and reading; the folder is then listed again. */
const TRIES = 3;
/** Most searches find enough in the newest files, which are read first; then increasing numbers are read at once. */
const FILES_FIRST = 4;
const FILES_FACTOR = 4;

/** Reads of at most about this many events, without a search in their texts, do not wait for searches. */
const QUICK_ROWS_MAX = 200_000;

const ALL_TIMES = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };

type Build = (files: string) => Statement;
type Parts = { segments: SegmentFolder; duck: Duck; cellsBytesMax: number };
type EventsRequest = TimeRange & { where: StoreFilter };
type SegmentFilter = (segment: Segment) => boolean;

/** Runs statements over the segments that a request covers. */
export class SegmentReader {
  readonly #segments: SegmentFolder;
  readonly #duck: Duck;
  readonly #schemaPath: string;
  readonly #cells: CellCache;

  private constructor({ segments, duck, cellsBytesMax }: Parts, schemaPath: string) {
    this.#segments = segments;
    this.#duck = duck;
    this.#schemaPath = schemaPath;
    const pathOf = (id: SegmentId): string => segments.rollupPath(id);
    this.#cells = new CellCache({ duck, pathOf, bytesMax: cellsBytesMax });
  }

  /** The file without rows that has every column. */
  get schemaPath(): string {
    return this.#schemaPath;
  }

  static async open(parts: Parts): Promise<SegmentReader> {
    return new SegmentReader(parts, await schemaFile(parts.segments));
  }

  /** Runs a statement over the segments with events of the range and, if the filter has one, of the dataset. */
  async events(request: EventsRequest, build: Build, question: Question): Promise<Row[]> {
    const dataset = datasetOf(request.where);
    return this.#read(
      (segment) => overlaps(segment, request, dataset),
      async (matching) => {
        const work = workOf(request, matching);
        return this.#eventsIn(matching, build, { work, question });
      },
    );
  }

  async eventsOf(matches: SegmentFilter, build: Build, use: Use): Promise<Row[]> {
    return this.#read(matches, (matching) => this.#eventsIn(matching, build, use));
  }

  async #eventsIn(segments: readonly Segment[], build: Build, use: Use): Promise<Row[]> {
    use.question.signal.throwIfAborted();
    if (segments.length === 0) return [];
    const paths = segments.map(({ id }) => this.#segments.eventsPath(id));
    const { text, parameters } = build(eventFilesSql([this.#schemaPath, ...paths]));
    return this.#duck.rows(text, parameters, use);
  }

  /**
   * The newest matching events: files are read from the newest on, until no older file can have an event that belongs
   * into the answer.
   */
  async newest(request: SearchRequest, question: Question): Promise<Row[]> {
    const dataset = datasetOf(request.where);
    const matches: SegmentFilter = (segment) => overlaps(segment, request, dataset);
    return this.#read(matches, async (matching) => {
      const rest = matching.toSorted((a, b) => newestMs(b) - newestMs(a));
      let found: Row[] = [];
      for (let files = FILES_FIRST; rest.length > 0; files *= FILES_FACTOR) {
        const some = rest.splice(0, files);
        const use: Use = { work: workOf(request, some), question };
        const rows = await this.#eventsIn(some, (paths) => searchSql(request, paths), use);
        found = joinFound([found, rows], request.limit);
        const last = found[request.limit - 1];
        const [next] = rest;
        if (last && next && timeOfRow(last) > newestMs(next)) break;
      }
      return found;
    });
  }

  /** The newest events of these segments. */
  async newestOf(ids: readonly SegmentId[], limit: number, question: Question): Promise<Row[]> {
    const files = eventFilesSql([
      this.#schemaPath,
      ...ids.map((id) => this.#segments.eventsPath(id)),
    ]);
    const { text, parameters } = searchSql({ ...ALL_TIMES, where: [], limit }, files);
    const rows = await this.#duck.rows(text, parameters, { work: "quick", question });
    return joinFound([rows], limit);
  }

  /** Merged rollup cells: from the cache, or from the files if they do not fit into it. */
  async cells(request: CellsRequest, question: Question): Promise<MergedCell[]> {
    const use: Use = { work: "quick", question };
    const matches = ({ cells }: Segment): boolean =>
      cells !== null && cells.from * 1000 < request.toMs && cells.to * 1000 >= request.fromMs;
    return this.#read(matches, async (matching, all) => {
      this.#cells.keepOnly(all);
      if (matching.length === 0) return [];
      const chunks = await this.#cells.chunks(matching, request, use);
      if (chunks) return mergeCells(chunks, request);
      const paths = matching.map((segment) => this.#segments.rollupPath(segment.id));
      const { text, parameters } = cellsSql(request, cellFilesSql(paths));
      return (await this.#duck.rows(text, parameters, use)).flatMap(mergedCells);
    });
  }

  async #read<T>(
    matches: SegmentFilter,
    work: (matching: Segment[], all: readonly Segment[]) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const { segments } = await this.#segments.list();
      const matching = segments.filter(
        (segment) => segment.rows + (segment.cells?.rows ?? 0) > 0 && matches(segment),
      );
      try {
        return await work(matching, segments);
      } catch (error) {
        if (attempt >= TRIES || !(await this.#hasLost(matching))) throw error;
      }
    }
  }

  /** Whether a file was removed since the folder was listed. */
  async #hasLost(matching: readonly Segment[]): Promise<boolean> {
    const losses = matching.map(async ({ id, cells }) => {
      const paths = [
        this.#segments.eventsPath(id),
        ...(cells ? [this.#segments.rollupPath(id)] : []),
      ];
      const found = await Promise.all(paths.map((path) => ifExists(access(path).then(() => true))));
      return found.includes(undefined);
    });
    return (await Promise.all(losses)).includes(true);
  }
}

function overlaps(segment: Segment, range: TimeRange, dataset: string | undefined): boolean {
  return segment.extents.some(
    (extent) =>
      extent.fromMs < range.toMs &&
      extent.toMs >= range.fromMs &&
      (dataset === undefined || extent.dataset === dataset),
  );
}

function workOf(request: EventsRequest, segments: readonly Segment[]): Work {
  const isTextSearch = request.where.some(
    ({ op }) => op === "contains" || op === "like" || op === "not_like",
  );
  const rows = segments.reduce((sum, segment) => sum + rowsIn(segment, request), 0);
  return isTextSearch || rows > QUICK_ROWS_MAX ? "searches" : "quick";
}

/** About the number of rows of a segment in a range, if they are spread evenly over its time. */
function rowsIn(segment: Segment, { fromMs, toMs }: TimeRange): number {
  const rows = segment.extents.map((extent) => {
    const lengthMs = extent.toMs - extent.fromMs + 1;
    const sharedMs = Math.min(extent.toMs + 1, toMs) - Math.max(extent.fromMs, fromMs);
    return (extent.rows * Math.max(0, sharedMs)) / lengthMs;
  });
  return rows.reduce((sum, count) => sum + count, 0);
}

function datasetOf(where: StoreFilter): string | undefined {
  for (const condition of where) {
    if (condition.field === "data_stream.dataset" && condition.op === "eq") {
      return String(condition.value);
    }
  }
  return undefined;
}

/**
 * A file without rows but with every column is read along with the segments, so that a column that no segment has is
 * null and not an error. Its name depends on its content, because another version may have other fields.
 */
async function schemaFile(segments: SegmentFolder): Promise<string> {
  const { parts } = writeParquet(emptyColumns(), 0, {});
  const hash = createHash("sha256").update(Buffer.concat(parts)).digest("hex").slice(0, 16);
  const path = join(segments.folder, "schema", `${hash}.parquet`);
  if (!(await ifExists(access(path).then(() => true)))) {
    const draft = join(segments.scratch, `schema-${randomUUID()}.parquet`);
    await writeSafe(draft, parts);
    await publish(draft, path);
  }
  return path;
}

function emptyColumns(): ParquetColumn[] {
  const text = {
    ids: new Uint32Array(0),
    size: 0,
    bytes: new Uint8Array(0),
    ends: new Uint32Array(1),
  };
  const columns = Object.entries(FIELDS).map(([name, type]): ParquetColumn => {
    if (type === "keyword") return { name, kind: "text", ...text };
    if (type === "keywords") return { name, kind: "texts", ...text };
    return { name, kind: type, values: new Float64Array(0) };
  });
  return [...columns, { name: EXTRA_FIELD, kind: "text", ...text }];
}
