import { access } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

import { AppError } from "#platform/errors.ts";
import { ifExists } from "#platform/files.ts";
import { lacksFiles } from "#platform/open-files.ts";

import { cellsSql } from "./aggregate-sql.ts";
import { mergedCells } from "./answer-rows.ts";
import { CellCache } from "./cell-cache.ts";
import { cellFilesSql, type Duck, type Row, type Use } from "./duck.ts";
import { type EventsRequest, overlaps, type RangeSql, rangeSql, workOf } from "./event-range.ts";
import type { Statement } from "./filter-sql.ts";
import { mergeCells } from "./merge-cells.ts";
import { haveNumberLists } from "./number-lists.ts";
import { joinOriginals, originalOf, originalsSql } from "./original-sql.ts";
import type { CellsRequest, MergedCell, OriginalLine, SearchRequest } from "./port.ts";
import type { Question } from "./questions.ts";
import { eventsWithLinesSql } from "./rebuilt-line-sql.ts";
import { SchemaFile } from "./schema-file.ts";
import { joinFound, searchSql, timeOfRow } from "./search-sql.ts";
import { SegmentFilters } from "./segment-filters.ts";
import type { SegmentFolder } from "./segment-folder.ts";
import { newestMs, oldestMs, type Segment } from "./segment-footer.ts";
import { type FileKind, UnusableFiles } from "./segment-health.ts";
import type { SegmentId } from "./segment-id.ts";
import { noteUnreadable } from "./unreadable-files.ts";

/** Another process may remove a file between listing and reading; the folder is then listed again. */
const TRIES = 3;
/** Each of these tries leaves out more files that cannot be used; after the first ones there is a pause before each. */
const TRIES_WITHOUT_MAX = 10;
/** Errors of DuckDB about opening; files are opened again after a pause. */
const CANNOT_OPEN = /^IO Error: (?:Cannot|Could not) (?:open|read)/i;
const REOPEN_MS = 100;
const NOT_OPENED = "the files of the store cannot be opened now";
/** Most searches find enough in the newest files, which are read first; then increasing numbers are read at once. */
const FILES_FIRST = 4;
const FILES_FACTOR = 4;

const ALL_TIMES = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };

type Build = (files: string) => Statement;
type Read = (statement: Statement) => Promise<Row[]>;
/** `read` runs further statements over the same events. */
type BuildInRange = (range: RangeSql, read: Read) => Statement | Promise<Statement>;
type Parts = { segments: SegmentFolder; duck: Duck; cellsBytesMax: number };
type SegmentFilter = (segment: Segment) => boolean;
type Selection = { kind: FileKind; matches: SegmentFilter };
type Prepared<T> = { segments: readonly Segment[]; run: () => Promise<T> };

/** Runs statements over the segments that a request covers. */
export class SegmentReader {
  readonly #segments: SegmentFolder;
  readonly #duck: Duck;
  readonly schema: SchemaFile;
  readonly #filters: SegmentFilters;
  readonly #cells: CellCache;

  private constructor({ segments, duck, cellsBytesMax }: Parts) {
    this.#segments = segments;
    this.#duck = duck;
    this.schema = new SchemaFile(segments);
    this.#filters = new SegmentFilters(segments);
    const pathOf = (id: SegmentId): string => segments.rollupPath(id);
    const verify = (needed: readonly Segment[]): Promise<void> =>
      segments.health.verify(needed, "rollup");
    this.#cells = new CellCache({ duck, pathOf, verify, bytesMax: cellsBytesMax });
  }

  static async open(parts: Parts): Promise<SegmentReader> {
    const reader = new SegmentReader(parts);
    await reader.schema.path();
    return reader;
  }

  /** Runs a statement over the events of the range and, if the filter has one, of the dataset. */
  async events(request: EventsRequest, build: BuildInRange, question: Question): Promise<Row[]> {
    const matches: SegmentFilter = (segment) => overlaps(segment, request);
    return this.#read({ kind: "events", matches }, async (matching) => {
      const some = await this.#firstMatching(request, [...matching], matching.length);
      if (some.length === 0) return [];
      await this.#segments.health.verify(some, "events");
      const pathOf = ({ id }: Segment): string => this.#segments.eventsPath(id);
      const files = { schema: await this.schema.path(), pathOf };
      const use: Use = { work: workOf(request, some), question };
      const read: Read = ({ text, parameters }) => this.#duck.rows(text, parameters, use);
      return read(await build(rangeSql(request, some, files), read));
    });
  }

  async eventsOf(matches: SegmentFilter, build: Build, use: Use): Promise<Row[]> {
    return this.#read({ kind: "events", matches }, (matching) =>
      this.#eventsIn(matching, build, use),
    );
  }

  async #eventsIn(segments: readonly Segment[], build: Build, use: Use): Promise<Row[]> {
    use.question.signal.throwIfAborted();
    if (segments.length === 0) return [];
    await this.#segments.health.verify(segments, "events");
    const paths = segments.map(({ id }) => this.#segments.eventsPath(id));
    const { text, parameters } = build(eventsWithLinesSql([await this.schema.path(), ...paths]));
    return this.#duck.rows(text, parameters, use);
  }

  /**
   * The newest matching events: files are read from the newest on, until no older file can have an event that belongs
   * into the answer.
   */
  async newest(request: SearchRequest, question: Question): Promise<Row[]> {
    const matches: SegmentFilter = (segment) => overlaps(segment, request);
    return this.#read({ kind: "events", matches }, async (matching) => {
      const rest = matching.toSorted((a, b) => newestMs(b) - newestMs(a));
      let found: Row[] = [];
      for (let files = FILES_FIRST; rest.length > 0; files *= FILES_FACTOR) {
        const some = await this.#firstMatching(request, rest, files);
        const use: Use = { work: workOf(request, some), question };
        const rows = await this.#eventsIn(some, searchIn(some, request), use);
        found = joinFound([found, rows], request.limit);
        const last = found[request.limit - 1];
        const [next] = rest;
        if (last && next && timeOfRow(last) > newestMs(next)) break;
      }
      return found;
    });
  }

  /** The original lines of the oldest matching events, by the same rule. */
  async originals(request: SearchRequest, question: Question): Promise<OriginalLine[]> {
    const { after } = request;
    const range = after ? { ...request, fromMs: Math.max(request.fromMs, after.tMs) } : request;
    const matches: SegmentFilter = (segment) => overlaps(segment, range);
    return this.#read({ kind: "events", matches }, async (matching) => {
      const rest = matching.toSorted((a, b) => oldestMs(a) - oldestMs(b));
      let found: OriginalLine[] = [];
      for (let files = FILES_FIRST; rest.length > 0; files *= FILES_FACTOR) {
        const some = await this.#firstMatching(range, rest, files);
        const use: Use = { work: workOf(range, some), question };
        const hasNumberLists = haveNumberLists(some);
        const build: Build = (paths) => originalsSql(range, { files: paths, hasNumberLists });
        const rows = await this.#eventsIn(some, build, use);
        found = joinOriginals([found, rows.map(originalOf)], request.limit);
        const last = found[request.limit - 1];
        const [next] = rest;
        if (last && next && last.tMs < oldestMs(next)) break;
      }
      return found;
    });
  }

  /** Removes segments from the beginning of `rest` until `count` of them may have matching events, which are returned. */
  async #firstMatching(
    { where }: EventsRequest,
    rest: Segment[],
    count: number,
  ): Promise<Segment[]> {
    const mayHaveMatches = this.#filters.matcher(where);
    const some: Segment[] = [];
    while (some.length < count) {
      const segment = rest.shift();
      if (!segment) break;
      if (await mayHaveMatches(segment)) some.push(segment);
    }
    return some;
  }

  /** The newest events of these segments, which may have been replaced. */
  async newestOf(segments: readonly Segment[], limit: number, question: Question): Promise<Row[]> {
    const request = { ...ALL_TIMES, where: [], limit };
    const use: Use = { work: "quick", question };
    return this.#retried("events", async () => {
      const usable = segments.filter((it) => this.#segments.health.isUsable(it, "events"));
      const run = (): Promise<Row[]> => this.#eventsIn(usable, searchIn(usable, request), use);
      return { segments: usable, run: async () => joinFound([await run()], limit) };
    });
  }

  /** Merged rollup cells: from the cache, or from the files if they do not fit into it. */
  async cells(request: CellsRequest, question: Question): Promise<MergedCell[]> {
    const use: Use = { work: "quick", question };
    const matches = ({ cells }: Segment): boolean =>
      cells !== null && cells.from * 1000 < request.toMs && cells.to * 1000 >= request.fromMs;
    return this.#read({ kind: "rollup", matches }, async (matching, all) => {
      this.#cells.keepOnly(all);
      if (matching.length === 0) return [];
      const chunks = await this.#cells.chunks(matching, request, use);
      if (chunks) return mergeCells(chunks, request);
      await this.#segments.health.verify(matching, "rollup");
      const paths = matching.map((segment) => this.#segments.rollupPath(segment.id));
      const { text, parameters } = cellsSql(request, cellFilesSql(paths));
      return (await this.#duck.rows(text, parameters, use)).flatMap(mergedCells);
    });
  }

  /** Runs the work with the matching segments whose files can be used. */
  #read<T>(
    { kind, matches }: Selection,
    work: (matching: Segment[], all: readonly Segment[]) => Promise<T>,
  ): Promise<T> {
    return this.#retried(kind, async () => {
      const { segments } = await this.#segments.list();
      const matching = segments.filter(
        (segment) =>
          segment.rows + (segment.cells?.rows ?? 0) > 0 &&
          matches(segment) &&
          this.#segments.health.isUsable(segment, kind),
      );
      return { segments: matching, run: () => work(matching, segments) };
    });
  }

  /** Prepares and runs the work again when files were removed or turned out to be unusable. */
  async #retried<T>(kind: FileKind, prepare: () => Promise<Prepared<T>>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const { segments, run } = await prepare();
      try {
        const result = await run();
        this.#segments.forgetProblem(NOT_OPENED);
        return result;
      } catch (error) {
        await this.#explain(error, { segments, kind, attempt });
      }
    }
  }

  /** Returns if the work may succeed without the files that are marked now. */
  async #explain(
    error: unknown,
    { segments, kind, attempt }: { segments: readonly Segment[]; kind: FileKind; attempt: number },
  ): Promise<void> {
    if (attempt >= TRIES_WITHOUT_MAX) throw error;
    if (error instanceof UnusableFiles) {
      // Files that were removed stay in the listing while the folder cannot be opened.
      if (attempt >= TRIES) await delay(REOPEN_MS);
      return;
    }
    // The request is invalid, or its question was ended.
    if (error instanceof AppError) throw error;
    if (attempt < TRIES && (await this.#hasLost(segments))) return;
    const parts = { folder: this.#segments, duck: this.#duck };
    if (await noteUnreadable(parts, { segments, kind, error })) return;
    if (!(error instanceof Error) || !isAboutOpening(error)) throw error;
    const message = `${NOT_OPENED}: ${error.message}`;
    this.#segments.noteProblem(NOT_OPENED, message);
    if (attempt >= TRIES) {
      throw new AppError("unavailable", message, { cause: error, waitMs: REOPEN_MS * TRIES });
    }
    await delay(REOPEN_MS);
  }

  /** Whether a file was removed since the folder was listed. */
  async #hasLost(segments: readonly Segment[]): Promise<boolean> {
    const losses = segments.map(async ({ id, cells }) => {
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

/** Cutting long texts takes DuckDB some time to plan, so it is left out where there are none. */
function searchIn(segments: readonly Segment[], request: SearchRequest): Build {
  const mayHaveLongTexts = segments.some(({ hasLongRows }) => hasLongRows);
  const hasNumberLists = haveNumberLists(segments);
  return (files) => searchSql(request, { files, mayHaveLongTexts, hasNumberLists });
}

const isAboutOpening = (error: Error): boolean =>
  CANNOT_OPEN.test(error.message) || lacksFiles(error);
