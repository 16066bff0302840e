import type { Batch } from "#collectors/batch.ts";
import { detectLines, sampleLines } from "#collectors/detect.ts";
import type { UnitOfField } from "#collectors/duration-rules.ts";
import { DurationUnits } from "#collectors/duration-units.ts";
import { containerOfPath } from "#collectors/envelopes/container-path.ts";
import type { Format } from "#collectors/format.ts";
import { findFormat, FORMATS } from "#collectors/formats/index.ts";
import type { Position, Positions, SourceId } from "#collectors/source.ts";
import { chosenFormat, formatAtPath, registeredFormat } from "#collectors/user-formats/registry.ts";

import { QUARANTINE_DATASET } from "./quarantine.ts";
import { fieldNamesIn, LEFT, type Left, type LineReader, type Reading } from "./reread-rows.ts";
import { formatsIn, storedActivityIn, storedIn } from "./stored-formats.ts";

/** Fields that an event has because it is in quarantine. Its time remains if the line has none. */
const OF_QUARANTINE: ReadonlySet<string> = new Set(["event.kind", "error.message"]);
/** Of an event that was read from a file: all other fields come from its line. */
const OF_FILE: ReadonlySet<string> = new Set(["log.flags"]);
const OF_CONTAINER: ReadonlySet<string> = new Set(["container.id", "container.name"]);
/** Of a document whose message is read. */
const OF_MESSAGE: ReadonlySet<string> = new Set(["message", "error.message"]);

export type ReadingDeps = {
  /** The format of all lines. */
  format?: Format | undefined;
  /** The format that is chosen for the source of all lines. */
  preferred?: Format | undefined;
  positions: Positions;
  unitOf?: UnitOfField | undefined;
};

/** The rows of a stream that are read again, and what is known of it. */
type RowsOfStream = {
  rows: readonly number[];
  position: Position | undefined;
  path: string;
  /** Whether it was a file, so that a row has no fields of a sender. */
  isFile: boolean;
  detected: Format | undefined | "not examined";
};

/** How the lines of stored events are read again. */
export class RowReadings {
  readonly #batch: Batch;
  readonly #reader: LineReader;
  readonly #deps: ReadingDeps;
  /** Derives fields of the rows from this one on. */
  readonly #process: (fromRow: number) => void;
  readonly #units = new Map<string, DurationUnits>();

  constructor(
    batch: Batch,
    deps: ReadingDeps & { reader: LineReader; process: (fromRow: number) => void },
  ) {
    this.#batch = batch;
    this.#deps = deps;
    this.#reader = deps.reader;
    this.#process = deps.process;
  }

  /** Calls `read` with each row and how it is read, or why it is left; the context of the reader is then that of its stream. */
  each(rows: readonly number[], read: (row: number, reading: Reading | Left) => void): void {
    const ids = this.#batch.text("log.source.id");
    const bySource = Map.groupBy(rows, (row) => ids.ids[row] ?? 0);
    for (const [id, own] of bySource) {
      const source = id === 0 ? "" : ids.text(id);
      const position = isSourceId(source) ? this.#deps.positions.get(source) : undefined;
      const path = textIn(this.#batch, "log.file.path", own[0] ?? 0);
      const isFile = storedIn(position).path !== "";
      const stream: RowsOfStream = { rows: own, position, path, isFile, detected: "not examined" };
      this.#reader.context.units = this.#unitsOf(source, stream);
      const names = this.#namesOfLines(stream);
      for (const row of own) read(row, this.#readingOf(row, stream, names));
    }
  }

  #unitsOf(source: string, { position, path, isFile }: RowsOfStream): DurationUnits {
    let units = this.#units.get(source);
    if (units) return units;
    const { unitOf } = this.#deps;
    units = new DurationUnits((field) => unitOf?.(path, field));
    if (isFile) units.restore(storedIn(position).units);
    this.#units.set(source, units);
    return units;
  }

  #readingOf(
    row: number,
    stream: RowsOfStream,
    names: ReadonlyMap<number, ReadonlySet<string>>,
  ): Reading | Left {
    const hasLine = this.#batch.lines.has(row);
    const dataset = textIn(this.#batch, "data_stream.dataset", row);
    if (dataset === QUARANTINE_DATASET) {
      if (!hasLine) return LEFT.noOriginal;
      const formats = this.#formatsFor(stream, undefined);
      return { formats, before: undefined, isKept: (field) => !OF_QUARANTINE.has(field) };
    }
    const before = findFormat(dataset);
    const ofLine = names.get(row);
    if (hasLine && (ofLine || stream.isFile)) {
      const formats = this.#formatsFor(stream, before);
      if (formats.length === 0) return LEFT.headerLine;
      const isKept = (field: string): boolean =>
        ofLine ? !ofLine.has(field) : isOfFile(field, stream.path);
      return { formats, before, isKept };
    }
    const message = textIn(this.#batch, "message", row);
    const { format } = this.#deps;
    if (stream.isFile || message === "" || !format) return hasLine ? LEFT.pushed : LEFT.noOriginal;
    return { formats: [format], before, isKept: isOfDocument, message: Buffer.from(message) };
  }

  /**
   * The names of the fields that come from the lines of events, by row: those that the format of the event writes, and
   * what is derived from these. Of other events, it is not known.
   */
  #namesOfLines({ rows, isFile }: RowsOfStream): Map<number, ReadonlySet<string>> {
    const batch = this.#batch;
    const first = batch.rows;
    const read: number[] = [];
    for (const row of rows) {
      const dataset = textIn(batch, "data_stream.dataset", row);
      const format = findFormat(dataset);
      // The pattern of a user's format may have changed.
      const isOwn = registeredFormat(dataset) !== undefined;
      if (!format || format.headerLine || (isOwn && isFile) || !batch.lines.has(row)) continue;
      if (this.#reader.scan(format, batch.lines.bytes(row)) !== undefined) continue;
      if (isOwn && !this.#isAsStored(row)) {
        batch.rollback();
        continue;
      }
      const datasets = batch.text("data_stream.dataset");
      if (datasets.ids[batch.rows] === 0) datasets.putText(batch.rows, dataset);
      batch.commit();
      read.push(row);
    }
    if (read.length === 0) return new Map();
    this.#process(first);
    const names = new Map(read.map((row, i) => [row, fieldNamesIn(batch, first + i)]));
    batch.keep(first, new Uint32Array(0));
    return names;
  }

  /** Whether the row has the texts and numbers of the open row. */
  #isAsStored(row: number): boolean {
    const open = this.#batch.rows;
    const texts = [...this.#batch.textColumns().values()];
    const numbers = [...this.#batch.numberColumns().values()];
    return (
      texts.every(({ ids }) => ids[open] === 0 || ids[open] === ids[row]) &&
      numbers.every(({ values }) => Number.isNaN(values[open]) || values[open] === values[row])
    );
  }

  /** The formats to try; `before` has read the line. Empty if only a format with header lines could be tried. */
  #formatsFor(stream: RowsOfStream, before: Format | undefined): Format[] {
    const { format, preferred } = this.#deps;
    if (format) return [format];
    const { position, path } = stream;
    const name = position && chosenFormat(storedActivityIn(position).source);
    const chosen = [
      preferred,
      name === undefined ? undefined : findFormat(name),
      formatAtPath(path),
    ];
    return distinct([...chosen, ...this.#othersFor(stream, before)]);
  }

  /** Formats that nobody chose: a line that a format has read is tried with that one only. */
  #othersFor(stream: RowsOfStream, before: Format | undefined): (Format | undefined)[] {
    if (before) return before.headerLine ? [] : [before];
    return [...formatsIn(stream.position), this.#detected(stream), ...FORMATS];
  }

  #detected(stream: RowsOfStream): Format | undefined {
    if (stream.detected !== "not examined") return stream.detected;
    const lines = stream.rows.map((row) => this.#batch.lines.bytes(row));
    const { cloudFrontFields } = this.#reader.context;
    stream.detected = detectLines(sampleLines(lines), stream.path, { cloudFrontFields }).format;
    return stream.detected;
  }
}

const distinct = (formats: readonly (Format | undefined)[]): Format[] => [
  ...new Set(formats.filter((format) => format !== undefined)),
];

const isOfDocument = (field: string): boolean => !OF_MESSAGE.has(field);

const isOfFile = (field: string, path: string): boolean =>
  OF_FILE.has(field) || (OF_CONTAINER.has(field) && containerOfPath(path) !== undefined);

function textIn(
  batch: Batch,
  name: "data_stream.dataset" | "log.file.path" | "message",
  row: number,
): string {
  const column = batch.text(name);
  const id = column.ids[row] ?? 0;
  return id === 0 ? "" : column.text(id);
}

const isSourceId = (text: string): text is SourceId => text.startsWith("src_");
