import { rm } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";

import type { Batch } from "#collectors/batch.ts";
import type { Position, Positions, SourceId } from "#collectors/source.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import type { RollupCell } from "../rollup.ts";
import { aggregateSql } from "./aggregate-sql.ts";
import { aggregateRows } from "./answer-rows.ts";
import { batchFooter } from "./batch-footer.ts";
import { cellColumns } from "./cell-columns.ts";
import { Compactor } from "./compactor.ts";
import { Duck, type Row } from "./duck.ts";
import { readRetention, writeRetention } from "./expiry.ts";
import type { Statement } from "./filter-sql.ts";
import { extentsOf } from "./number-lists.ts";
import { ORIGINAL_SQL } from "./original-sql.ts";
import { batchColumns } from "./parquet/batch-columns.ts";
import { hasLongRows } from "./parquet/row-groups.ts";
import { writeParquet } from "./parquet/write-parquet.ts";
import type {
  AggregateRequest,
  AggregateRow,
  Asking,
  CellsRequest,
  EventDocument,
  EventId,
  EventStore,
  Expired,
  Extent,
  Facets,
  FacetsRequest,
  Follower,
  MergedCell,
  OpenRewrite,
  RewriteRequest,
  OriginalLine,
  Retention,
  SearchRequest,
  StoreStatus,
} from "./port.ts";
import { Questions } from "./questions.ts";
import { readFacets } from "./read-facets.ts";
import { Rewriter } from "./rewriter.ts";
import { documentOf, eventSql, idParts } from "./search-sql.ts";
import { SegmentFolder } from "./segment-folder.ts";
import { followSegments } from "./segment-follower.ts";
import { FOOTER_KEY, latestPositions, type Segment, type SegmentFooter } from "./segment-footer.ts";
import { compareIds } from "./segment-id.ts";
import type { Listing } from "./segment-list.ts";
import { SegmentReader } from "./segment-reader.ts";
import { isStored } from "./stored-batch.ts";

const MEMORY_LIMIT_MB = 256;
const THREADS = 2;
const CELLS_MEMORY_MB = 64;

export type EmbeddedStoreOptions = {
  /** Created if it does not exist. Several processes may use the same folder. Reading requires no right to write. */
  folder: string;
  clock: Clock;
  /** Memory limit of DuckDB, beyond which it spills to disk. Default 256. */
  memoryLimitMb?: number;
  /** Memory of cached rollup cells, in addition to DuckDB. Default 64. */
  cellsMemoryMb?: number;
  /** Threads of DuckDB. Default 2. */
  threads?: number;
  /** Measures durations, even if the clock is set. Default: since the start of the process. */
  monotonicMs?: () => number;
  /** Time limit of a question, in ms. Default QUESTION_MS_MAX. */
  questionMsMax?: number;
};

/**
 * The event store in a folder: Parquet segments that DuckDB reads (segment-folder.ts).
 * Files that cannot be read are moved to `broken/` and listed in `status().problems`; an append to a full disk is
 * rejected with an AppError `unavailable` and leaves no files.
 */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<EventStore> {
  const { folder, clock, memoryLimitMb = MEMORY_LIMIT_MB, threads = THREADS } = options;
  const cellsBytesMax = (options.cellsMemoryMb ?? CELLS_MEMORY_MB) * 1024 * 1024;
  const segments = new SegmentFolder(folder, clock);
  await segments.prepare();
  const { temporary } = segments;
  const duck = new Duck({ folder, temporary, memoryLimitMb, threads });
  const reader = await SegmentReader.open({ segments, duck, cellsBytesMax });
  const { monotonicMs = () => performance.now() } = options;
  const compactor = new Compactor({ segments, duck, clock, monotonicMs });
  await compactor.begin();
  const questions = new Questions(options.questionMsMax);
  return new EmbeddedStore({ segments, duck, reader, compactor, questions });
}

type Parts = {
  segments: SegmentFolder;
  duck: Duck;
  reader: SegmentReader;
  compactor: Compactor;
  questions: Questions;
};

class EmbeddedStore implements EventStore {
  readonly #segments: SegmentFolder;
  readonly #duck: Duck;
  readonly #reader: SegmentReader;
  readonly #compactor: Compactor;
  readonly #questions: Questions;
  #stored: { listing: Listing; positions: Positions } | undefined;
  #known: { listing: Listing; extents: Extent[] } | undefined;
  #queries = 0;

  constructor(parts: Parts) {
    this.#segments = parts.segments;
    this.#questions = parts.questions;
    this.#duck = parts.duck;
    this.#reader = parts.reader;
    this.#compactor = parts.compactor;
  }

  async append(batch: Batch, cells: readonly RollupCell[], positions: Positions): Promise<void> {
    if (batch.rows === 0 && cells.length === 0 && positions.size === 0) return;
    const before = await this.positions();
    if (isStored(positions, before)) return;
    const id = await this.#segments.nextId();
    const columns = batchColumns(batch);
    const footer: SegmentFooter = {
      ...batchFooter(id, { batch, cells, positions }),
      ...(hasLongRows(columns) ? { hasLongRows: true } : {}),
    };
    const metadata = { [FOOTER_KEY]: JSON.stringify(footer) };
    const events = writeParquet(columns, batch.rows, metadata).parts;
    const rollup =
      cells.length > 0 ? writeParquet(cellColumns(cells), cells.length, {}).parts : undefined;
    const isCurrent = async (): Promise<boolean> => {
      const now = await this.positions();
      return [...positions.keys()].every((key) => isDeepStrictEqual(before.get(key), now.get(key)));
    };
    if (await this.#segments.append(footer, { events, rollup }, isCurrent)) return;
    throw new AppError(
      "conflict",
      "another process has stored more of the same sources in the meantime",
    );
  }

  async rewrite(request: RewriteRequest, open: OpenRewrite): Promise<void> {
    const { schema } = this.#reader;
    const rewriter = new Rewriter({ segments: this.#segments, duck: this.#duck, schema });
    await rewriter.rewrite(request, open);
  }

  async positions(): Promise<Positions> {
    const listing = await this.#segments.listAll();
    if (this.#stored?.listing !== listing) {
      const entries = latestPositions(listing.segments).toSorted((a, b) =>
        compareIds(a.since, b.since),
      );
      const positions = new Map(
        entries.map((it): [SourceId, Position] => [it.source, it.position]),
      );
      this.#stored = { listing, positions };
    }
    return this.#stored.positions;
  }

  async extents(): Promise<Extent[]> {
    const listing = await this.#segments.list();
    if (this.#known?.listing !== listing) {
      const extents = extentsOf(listing.segments);
      this.#known = { listing, extents };
    }
    return this.#known.extents;
  }

  async status(): Promise<StoreStatus> {
    await this.#segments.noteBroken();
    const { segments } = await this.#segments.list();
    const { health } = this.#segments;
    const readable = segments.filter((segment) => !health.damageOf(segment).events);
    return {
      segments: segments.length,
      rows: readable.reduce((sum, segment) => sum + segment.rows, 0),
      bytes: segments.reduce((sum, segment) => sum + segment.bytes, 0),
      queries: this.#queries,
      problems: this.#segments.problems,
      upkeepFailures: this.#compactor.failures,
      holes: health.holesIn(segments),
    };
  }

  async cells(request: CellsRequest & Asking): Promise<MergedCell[]> {
    this.#queries += 1;
    if (request.measures.length === 0) return [];
    return this.#questions.run(request, (question) => this.#reader.cells(request, question));
  }

  async aggregate(request: AggregateRequest & Asking): Promise<AggregateRow[]> {
    this.#queries += 1;
    const rows = await this.#questions.run(request, (question) =>
      this.#reader.events(request, (...range) => aggregateSql(request, ...range), question),
    );
    return rows.flatMap(aggregateRows);
  }

  async search(request: SearchRequest & Asking): Promise<EventDocument[]> {
    this.#queries += 1;
    const rows = await this.#questions.run(request, (question) =>
      this.#reader.newest(request, question),
    );
    return rows.map(documentOf);
  }

  async event(id: EventId, asking: Asking = {}): Promise<EventDocument | undefined> {
    const row = await this.#rowOf(id, asking);
    return row && documentOf(row);
  }

  async original(id: EventId, asking: Asking = {}): Promise<Uint8Array | null | undefined> {
    const [line] = (await this.#rowOf(id, asking, ORIGINAL_SQL)) ?? [];
    return line === undefined || line instanceof Uint8Array ? line : null;
  }

  async originals(request: SearchRequest & Asking): Promise<OriginalLine[]> {
    this.#queries += 1;
    return this.#questions.run(request, (question) => this.#reader.originals(request, question));
  }

  async #rowOf(id: EventId, asking: Asking, selected?: string): Promise<Row | undefined> {
    this.#queries += 1;
    const { source, offset } = idParts(id);
    if (!Number.isSafeInteger(offset)) return undefined;
    const holds = (segment: Segment): boolean =>
      segment.offsets.some(
        (range) => range.source === source && range.min <= offset && offset <= range.max,
      );
    const build = (files: string): Statement => eventSql(id, files, selected);
    const [row] = await this.#questions.run(asking, (question) =>
      this.#reader.eventsOf(holds, build, { work: "quick", question }),
    );
    return row;
  }

  async facets(request: FacetsRequest & Asking): Promise<Facets> {
    this.#queries += 1;
    return this.#questions.run(request, (question) => readFacets(this.#reader, request, question));
  }

  async examine(): Promise<void> {
    await this.#compactor.examine();
  }

  async compact(): Promise<boolean> {
    return this.#compactor.compact();
  }

  async follow(): Promise<Follower> {
    const parts = { segments: this.#segments, reader: this.#reader, questions: this.#questions };
    return followSegments(parts);
  }

  async retention(): Promise<Retention> {
    return readRetention(this.#segments.folder);
  }

  async setRetention(retention: Retention): Promise<void> {
    await writeRetention(this.#segments, retention);
  }

  async expire(nowMs: number): Promise<Expired[] | undefined> {
    return this.#compactor.expire(nowMs);
  }

  async expiryTime(nowMs: number): Promise<number> {
    return this.#compactor.expiryTime(nowMs);
  }

  async confirmTime(nowMs: number): Promise<void> {
    await this.#compactor.confirmTime(nowMs);
  }

  async destroy(): Promise<void> {
    await this[Symbol.asyncDispose]();
    await rm(this.#segments.folder, { recursive: true, force: true });
  }

  /** Ends the questions and a merge that are in progress. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#questions.close();
    await this.#duck[Symbol.asyncDispose]();
    await this.#compactor.settled();
    await this.#segments[Symbol.asyncDispose]();
  }
}
