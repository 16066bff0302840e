import type { Batch } from "#collectors/batch.ts";
import type { DeriveRules } from "#collectors/derive/request-pattern.ts";
import type { RouteLearner } from "#collectors/derive/route-learner.ts";
import { detectLines, sampleLines } from "#collectors/detect.ts";
import { openWrapped } from "#collectors/envelopes/scan-wrapped.ts";
import type { Format } from "#collectors/format.ts";
import { FORMATS } from "#collectors/formats/index.ts";
import type { Positions, SourceId } from "#collectors/source.ts";
import { formatAtPath } from "#collectors/user-formats/registry.ts";
import type { Zone } from "#collectors/zone.ts";
import type { Clock } from "#platform/clock.ts";

import { FrameAccumulator } from "../fold/accumulator.ts";
import { matches } from "../matches.ts";
import { BatchProcessor } from "../processing/batch-processor.ts";
import type { Processing } from "../processing/processing.ts";
import type { Salt } from "../processing/salt.ts";
import type { RollupCell } from "../rollup.ts";
import type { EventReader, EventRewriter, PositionReader } from "../store/port.ts";
import { DatasetLimit } from "./dataset-limit.ts";
import { type LineParser, QUARANTINE_DATASET, reparseRow } from "./quarantine.ts";
import { formatsIn } from "./stored-formats.ts";

export type ReprocessDeps = {
  store: EventRewriter & PositionReader & Pick<EventReader, "extents">;
  clock: Clock;
  rules: DeriveRules;
  /** Time zone of log times without a zone. */
  zone: Zone;
  /** What happens to events before they are stored. Absent: nothing. */
  processing?: Processing;
  /** Required for rules that hash. */
  salt?: Salt;
  /** Absent: routes are not learnt. */
  learner?: RouteLearner;
};

export type ReprocessRequest = {
  /** Default: the format of the stream, otherwise the one that is detected in its quarantined lines. */
  format?: Format;
  /** Only lines that were read at this path, in which `*` stands for any text. */
  path?: string;
  /** Only lines since this time, epoch ms. The time of a line without one is that of the line before it. */
  fromMs?: number;
};

export type Reprocessed = {
  /** Number of quarantined lines that were read. */
  lines: number;
  /** Number of those that are events now, by dataset. */
  events: Map<string, number>;
};

/**
 * Reads quarantined lines again. Those that a format can parse become events of its dataset with the same source and
 * offset; the others stay in quarantine.
 */
export async function reprocess(
  deps: ReprocessDeps,
  request: ReprocessRequest,
): Promise<Reprocessed> {
  const positions = await deps.store.positions();
  const done: Reprocessed = { lines: 0, events: new Map() };
  await deps.store.rewrite(QUARANTINE_DATASET, (batch) => {
    const rows = new ReprocessedRows(batch, { ...deps, ...request, positions });
    return () => rows.reprocess(done);
  });
  return done;
}

/** The quarantined events in a batch, which is filled again and again. */
class ReprocessedRows {
  readonly #batch: Batch;
  readonly #chosen: ChosenRows;
  readonly #parsers: Parsers;
  readonly #datasets: DatasetLimit;
  readonly #processor: BatchProcessor;
  readonly #frames: FrameAccumulator;
  #datasetsRead: Promise<void> | undefined;

  constructor(batch: Batch, deps: RowsDeps) {
    this.#batch = batch;
    this.#chosen = deps;
    this.#parsers = new Parsers(batch, deps);
    this.#datasets = new DatasetLimit(batch, deps);
    // Stored events are not dropped.
    const processing = deps.processing && { ...deps.processing, drop: [], sample: [] };
    this.#processor = new BatchProcessor(batch, { ...deps, processing });
    this.#frames = new FrameAccumulator(batch, deps.clock);
  }

  async reprocess(done: Reprocessed): Promise<{ changed: number; cells: RollupCell[] }> {
    await (this.#datasetsRead ??= this.#datasets.read());
    await this.#datasets.reset();
    this.#processor.reset();
    this.#frames.reset();
    const batch = this.#batch;
    const rows = rowsAt(batch, this.#chosen);
    const parsers = this.#parsers.of(rows);
    const changed = rows.filter((row) =>
      parsers.get(row)?.some((parser) => reparseRow(batch, row, parser)),
    );
    this.#datasets.apply(0, batch.rows);
    this.#processor.process(0);
    this.#processor.erase();
    this.#frames.fold(0, batch.rows, false);
    done.lines += rows.length;
    const datasets = batch.text("data_stream.dataset");
    for (const row of changed) {
      const dataset = datasets.text(datasets.ids[row] ?? 0);
      done.events.set(dataset, (done.events.get(dataset) ?? 0) + 1);
    }
    return { changed: changed.length, cells: this.#frames.takeCells() };
  }
}

type ChosenRows = Pick<ReprocessRequest, "path" | "fromMs">;

/** The rows that were read at this path since that time. */
function rowsAt(batch: Batch, { path, fromMs = Number.NEGATIVE_INFINITY }: ChosenRows): number[] {
  const times = batch.number("@timestamp").values;
  const all = Array.from({ length: batch.rows }, (_, row) => row).filter(
    (row) => (times[row] ?? Number.NaN) >= fromMs || fromMs === Number.NEGATIVE_INFINITY,
  );
  if (path === undefined) return all;
  const paths = batch.text("log.file.path");
  return all.filter((row) => {
    const id = paths.ids[row] ?? 0;
    const fields = id === 0 ? {} : { "log.file.path": paths.text(id) };
    return matches(fields, [{ field: "log.file.path", op: "like", value: path }]);
  });
}

type ParserDeps = ReprocessRequest &
  Pick<ReprocessDeps, "clock" | "rules" | "zone"> & { positions: Positions };
type RowsDeps = ParserDeps & {
  processing?: Processing;
  salt?: Salt;
  learner?: RouteLearner;
  store: Pick<EventReader, "extents">;
};

/** The parsers that are tried for the lines of each source, bound to the batch. */
class Parsers {
  readonly #batch: Batch;
  readonly #deps: ParserDeps;
  readonly #byFormat = new Map<Format, LineParser>();

  constructor(batch: Batch, deps: ParserDeps) {
    this.#batch = batch;
    this.#deps = deps;
  }

  of(rows: readonly number[]): Map<number, LineParser[]> {
    const sources = this.#batch.text("log.source.id");
    const bySource = new Map<number, number[]>();
    for (const row of rows) {
      const source = sources.ids[row] ?? 0;
      const known = bySource.get(source);
      if (known) known.push(row);
      else bySource.set(source, [row]);
    }
    const parsers = new Map<number, LineParser[]>();
    for (const [source, own] of bySource) {
      const found = this.#formatsOf(source === 0 ? "" : sources.text(source), own);
      for (const row of own)
        parsers.set(
          row,
          found.map((format) => this.#parserOf(format)),
        );
    }
    return parsers;
  }

  #formatsOf(source: string, rows: readonly number[]): Format[] {
    const { format, positions } = this.#deps;
    if (format) return [format];
    const stored = isSourceId(source) ? formatsIn(positions.get(source)) : [];
    const path = this.#pathOf(rows);
    const found = [formatAtPath(path), ...stored, this.#detected(rows, path), ...FORMATS];
    return [...new Set(found.filter((it) => it !== undefined))];
  }

  #pathOf([first = 0]: readonly number[]): string {
    const paths = this.#batch.text("log.file.path");
    const id = paths.ids[first] ?? 0;
    return id === 0 ? "" : paths.text(id);
  }

  #detected(rows: readonly number[], path: string): Format | undefined {
    const lines = rows.map((row) => this.#batch.lines.bytes(row));
    const { cloudFrontFields } = this.#deps.rules;
    return detectLines(sampleLines(lines), path, { cloudFrontFields }).format;
  }

  #parserOf(format: Format): LineParser {
    let parser = this.#byFormat.get(format);
    if (!parser) {
      const { zone, clock } = this.#deps;
      const { trustedProxies, cloudFrontFields } = this.#deps.rules;
      const context = { zone, nowMs: clock.nowMs(), trustedProxies, cloudFrontFields };
      const scan = openWrapped(format, this.#batch, context);
      this.#byFormat.set(format, (parser = { scan, dataset: format.dataset }));
    }
    return parser;
  }
}

const isSourceId = (text: string): text is SourceId => text.startsWith("src_");
