import type { Batch } from "./batch.ts";
import { detectLines, LineProber, readBy, sampleLines } from "./detect.ts";
import type { Line, ReadableLine } from "./envelopes/envelope.ts";
import type { FieldNames, Format, FormatContext, LineScanner } from "./format.ts";

/** The main format is examined after at least so many lines. */
const WINDOW_LINES = 200;
/** Lines that decide between formats. */
const SAMPLE_BYTES = 64 * 1024;
/** Not shown: the line is read by the other format. */
const TAKEN = "another format can parse the line";
const UNKNOWN = "unknown format: `quarterdeck parse` shows what is recognised";

/** What decides whether lines are added to an event. */
export type EventLines = {
  /** The format that can parse its first line. */
  format: Format | undefined;
  /** Whether it has its first line, after the lines that precede it. */
  hasBegun: boolean;
  /** Whether a quoted text is open after its latest line. */
  isOpen: boolean;
};

/** The scanners of all formats, each bound once to the columns of the batch. */
export class BoundFormats {
  readonly batch: Batch;
  readonly context: FormatContext;
  readonly #scanners = new Map<Format, LineScanner>();
  #prober: LineProber | undefined;

  constructor(batch: Batch, context: FormatContext) {
    this.batch = batch;
    this.context = context;
  }

  scannerOf(format: Format): LineScanner {
    let scan = this.#scanners.get(format);
    if (!scan) this.#scanners.set(format, (scan = format.open(this.batch, this.context)));
    return scan;
  }

  /** Created on demand: most streams have one format. */
  get prober(): LineProber {
    const { cloudFrontFields } = this.context;
    return (this.#prober ??= new LineProber({ cloudFrontFields }));
  }
}

/**
 * The formats of the lines of one stream. Most streams have one; the output of a container may have several: access
 * lines, error lines, and those of other programs.
 */
export class StreamFormats {
  /** Tried first: the format of most lines. */
  main: Format | undefined;
  /** The scanner of the main format, if each line is an event of its own. */
  scanLine: LineScanner | undefined;
  /** Whether the main format reads syslog headers itself. */
  readsHeader = false;
  /** The other formats that were found in the stream, in the order in which they are tried. */
  readonly others: Format[] = [];
  readonly fieldNames: FieldNames = { text: "" };
  /** Whether the sender of the lines named the only format. */
  isOnly = false;
  /** Decides between formats that can parse the same lines. */
  path = "";
  /** Why lines cannot be parsed while there is no main format. */
  unknown = UNKNOWN;
  /** Why the latest line that was read cannot be parsed. */
  reason = UNKNOWN;
  readonly #bound: BoundFormats;
  /** Lines of the others since the main format was examined. */
  readonly #recent = new Map<Format, number>();
  #recentLines = 0;

  constructor(bound: BoundFormats) {
    this.#bound = bound;
  }

  setMain(format: Format): void {
    const before = this.main;
    this.main = format;
    this.readsHeader = format.readsHeader === true;
    this.scanLine = format.begins ? undefined : this.#lineScannerOf(format);
    const known = this.others.filter((other) => other !== format);
    this.others.length = 0;
    this.addOthers(before && before !== format ? [before, ...known] : known);
  }

  /** Replaces each format by the present one of its name: users change and remove theirs. */
  renew(presentOf: (dataset: string) => Format | undefined): void {
    const before = this.main ? [this.main, ...this.others] : this.others;
    const present = before.map(({ dataset }) => presentOf(dataset));
    const [main, ...others] = present.filter((format) => format !== undefined);
    this.main = undefined;
    this.scanLine = undefined;
    this.readsHeader = false;
    this.others.length = 0;
    if (main) this.setMain(main);
    this.addOthers(others);
  }

  /** That of a generic format leaves lines to others as `read` does. */
  #lineScannerOf(format: Format): LineScanner {
    const scan = this.#bound.scannerOf(format);
    if (format.isGeneric !== true) return scan;
    return (bytes, start, end) =>
      this.#isTaken(format, { bytes, start, end }) ? TAKEN : scan(bytes, start, end);
  }

  addOthers(formats: readonly Format[]): void {
    for (const format of formats) {
      if (format !== this.main && !this.others.includes(format)) this.others.push(format);
    }
  }

  /** The format that can parse the line, whose fields are in the open row then. Otherwise see `reason`. */
  read(line: ReadableLine): Format | undefined {
    const { main } = this;
    this.reason = this.unknown;
    if (main && this.#canParse(main, line)) return main;
    if (this.isOnly) return undefined;
    const { reason } = this;
    const known = this.others.find(
      (format) => this.#canParse(format, line) && this.#fits(format, line),
    );
    if (known) return known;
    const recognised = this.#recognise(line);
    if (recognised.length === 0) this.reason = reason;
    return this.#choose(recognised, line) ?? this.#fallback(line);
  }

  #fallback(line: ReadableLine): Format | undefined {
    const { fallback } = line;
    return fallback && this.#canParse(fallback, line) ? fallback : undefined;
  }

  /**
   * Reads a line in the main format for what the format decides about the stream, and keeps no field of it. Returns the
   * line's time, epoch ms; NaN if it has none.
   */
  tryMain(line: ReadableLine): number {
    const { batch } = this.#bound;
    const isParsed = this.main !== undefined && this.#canParse(this.main, line);
    const timeMs = batch.number("@timestamp").values[batch.rows] ?? Number.NaN;
    batch.rollback();
    return isParsed ? timeMs : Number.NaN;
  }

  /** Whether the line belongs to this event of several lines, of which it is the next one. */
  continues(event: EventLines, line: ReadableLine): boolean {
    return event.isOpen ? isInQuotes(event, line) : this.#continues(event, line);
  }

  #continues(event: EventLines, line: ReadableLine): boolean {
    const { format } = event;
    const { bytes, start, end } = line;
    if (format?.continues?.(bytes, start, end) === true) return true;
    const precedes = format?.precedes?.(bytes, start, end) === true;
    if (event.hasBegun) return !precedes && !this.#begins(line, format);
    event.hasBegun = format?.begins?.(bytes, start, end) === true;
    return precedes || event.hasBegun || !this.#begins(line, format);
  }

  /** An event with this first line, of which the format is known that reads or begins it. */
  eventOf(line: ReadableLine, format: Format | undefined): EventLines {
    const { bytes, start, end } = line;
    const isOpen = format?.quoting?.isOpenAfter(bytes, { start, end, wasOpen: false }) === true;
    return { format, hasBegun: format?.precedes?.(bytes, start, end) !== true, isOpen };
  }

  /** Whether the line is the first one of an event of several lines in the main format, also if its values are invalid. */
  mayBegin(line: ReadableLine): boolean {
    const { main } = this;
    const { bytes, start, end } = main ? readBy(main, line) : line;
    return (
      main?.begins?.(bytes, start, end) === true || main?.precedes?.(bytes, start, end) === true
    );
  }

  /** Whether the line begins an event after one of this format: one in a known format, also if its values are invalid. */
  #begins(line: ReadableLine, before: Format | undefined): boolean {
    if (this.mayBegin(line)) return true;
    const own = this.read(line);
    const found = own ? [own] : this.#recognise(line);
    this.#bound.batch.rollback();
    return found.some(({ isGeneric }) => before?.hasAnyText !== true || isGeneric !== true);
  }

  /** Whether it is a header line of one of the formats. Its names apply to the lines after it. */
  takesHeader({ bytes, start, end }: Line): boolean {
    for (const format of this.main ? [this.main, ...this.others] : []) {
      const names = format.headerLine?.(bytes, start, end);
      if (names === undefined) continue;
      if (names !== "") this.fieldNames.text = names;
      return true;
    }
    return false;
  }

  /** Counts lines of this format, for the choice of the main one. */
  count(format: Format, lines: number): void {
    if (format === this.main) return;
    this.#recent.set(format, (this.#recent.get(format) ?? 0) + lines);
  }

  /** Chooses the main format again if another one had most of the latest lines; `lines`: new lines of all formats. */
  settle(lines: number): void {
    this.#recentLines += lines;
    if (this.#recentLines < WINDOW_LINES) return;
    for (const [format, count] of this.#recent) {
      if (count * 2 > this.#recentLines) this.setMain(format);
    }
    this.#recentLines = 0;
    this.#recent.clear();
  }

  /** Whether the format is generic, and another one can parse the line. */
  #isTaken(format: Format, line: ReadableLine): boolean {
    return format.isGeneric === true && !this.isOnly && this.#bound.prober.hasSpecific(line);
  }

  #canParse(format: Format, line: ReadableLine): boolean {
    this.#bound.batch.rollback();
    if (this.#isTaken(format, line)) return false;
    const { bytes, start, end } = readBy(format, line);
    const { context } = this.#bound;
    const { zone } = context;
    context.fieldNames = this.fieldNames;
    if (line.zone) context.zone = zone.ofHeader?.(line.zone.eastMs(0)) ?? line.zone;
    const reason = this.#bound.scannerOf(format)(bytes, start, end);
    context.zone = zone;
    if (reason !== undefined) this.reason = reason;
    return reason === undefined;
  }

  /** Whether nothing in the line, which was parsed, is evidence against the format. */
  #fits(format: Format, line: ReadableLine): boolean {
    const { evidence } = format.detection ?? {};
    if (!evidence) return true;
    const { bytes, start, end } = readBy(format, line);
    return evidence(this.#bound.batch, bytes.subarray(start, end)) >= 0;
  }

  #recognise(line: ReadableLine): Format[] {
    if (this.isOnly) return [];
    return this.#bound.prober.formatsOf(line);
  }

  /** Adds the best of these formats. If several can parse the line, the lines after it decide too. */
  #choose(recognised: readonly Format[], line: ReadableLine): Format | undefined {
    const { bytes, start } = line;
    const among = recognised.filter((format) => this.#canParse(format, line));
    const [first] = among;
    if (!first) return undefined;
    const known = this.main ? [this.main, ...this.others] : [];
    const lines = sampleLines([bytes.subarray(start, start + SAMPLE_BYTES)]);
    const { cloudFrontFields } = this.#bound.context;
    const context = { known, among, cloudFrontFields };
    const best = among.length > 1 ? detectLines(lines, this.path, context) : undefined;
    const format = best?.format ?? first;
    if (this.main) this.others.push(format);
    else this.setMain(format);
    return this.#canParse(format, line) ? format : undefined;
  }
}

/** Whether the line belongs to the quoted text that is open, and notes whether it is open after it. */
function isInQuotes(event: EventLines, { bytes, start, end }: Line): boolean {
  const { quoting } = event.format ?? {};
  if (!quoting || quoting.mustBegin(bytes, start, end)) return false;
  event.isOpen = quoting.isOpenAfter(bytes, { start, end, wasOpen: true });
  return true;
}
