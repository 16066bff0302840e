import { Batch } from "./batch.ts";
import type { Line, ReadableLine } from "./envelopes/envelope.ts";
import { isEmpty, originKey, unwrap } from "./envelopes/unwrap.ts";
import type { Format, FormatContext, LineScanner } from "./format.ts";
import { FORMATS } from "./formats/index.ts";
import { jsonShape } from "./json-shape.ts";
import { eachLine } from "./lines.ts";
import { UTC } from "./zone.ts";

/** Limits of a sample: every format tries to parse it. A line that exceeds the remaining bytes is left out. */
const LINES_MAX = 100;
const BYTES_MAX = 1024 * 1024;
/** Minimum share of the sample that a format must parse: logs contain stack traces and lines of other programs. */
const SHARE_MIN = 0.1;
/** The dictionaries of a prober are emptied after so many lines. */
const PROBES_PER_RESET = 4096;
/** What was found for JSON objects with the same names is forgotten when there are so many. */
const SHAPES_MAX = 4096;
const BOM = [0xef, 0xbb, 0xbf];
const LF = 0x0a;
/** Detection checks the shape of a line, not its time: every time is before the year 10000. */
const CONTEXT: FormatContext = { zone: UTC, nowMs: 253_402_300_799_999 };
/** Weight of a matching path, in addition to the evidence of the lines, which counts up to EVIDENCE_MAX. */
const PATH_WEIGHT = 3;
/** Weight of other lines that the same program writes, such as error lines beside combined ones. It decides ties. */
const PROGRAM_WEIGHT = 0.5;
const EVIDENCE_MAX = 5;
/** Lines of a format with at least this evidence would be read wrongly by one that parses almost anything. */
const EVIDENCE_STRICT = 3;

const HEADER_EVIDENCE = 2;

type Context = {
  /** Formats of other lines of the stream. */
  known?: readonly Format[];
  /** The formats to choose from; default: all. */
  among?: readonly Format[];
  cloudFrontFields?: FormatContext["cloudFrontFields"];
};

export type Detected =
  | { format: Format; share: number }
  /** `tried`: why each format was rejected. */
  | { format: undefined; tried: { dataset: string; reason: string }[] };

/** Detects the format of the beginning of a log, which may end within a line. */
export function detectFormat(sample: Uint8Array, path = "", context: Context = {}): Detected {
  return detectLines(sampleLines([withoutPartialLine(sample)]), path, context);
}

/**
 * Detects the format of lines by their content: every format tries to parse them, and the one that parses most of them
 * is chosen. nginx and Apache write the same combined lines: details that only one of them writes decide, then
 * the path (`/var/log/httpd/…`), then the order of the list.
 */
export function detectLines(
  lines: readonly Uint8Array[],
  path = "",
  context: Context = {},
): Detected {
  const samples = lines.map(sampleOf);
  const { among = FORMATS, cloudFrontFields } = context;
  const attempts = withoutTaken(
    among.map((format) => tryFormat(format, samples, cloudFrontFields)),
  );
  const isEvent = lines.map((_, index) => attempts.some(({ parsed }) => parsed[index]));
  const inStream = attempts.filter(hasParsed).map(({ format }) => format);
  const known = [...(context.known ?? []), ...inStream];
  let best: { format: Format; share: number; score: number } | undefined;
  for (const attempt of attempts) {
    const { format, evidence } = attempt;
    const share =
      lines.length === 0 ? 0 : countUnderstood(attempt, samples, isEvent) / lines.length;
    if (share < SHARE_MIN || evidence < 0) continue;
    const weight = pathWeight(format, path) + programWeight(format, known);
    const score = Math.round(share * 20) * 10 + Math.min(evidence, EVIDENCE_MAX) + weight;
    if (!best || score > best.score) best = { format, share, score };
  }
  if (best) return { format: best.format, share: best.share };
  const tried = attempts.map(({ format, reason = "another format fits better" }) => {
    return { dataset: format.dataset, reason };
  });
  return { format: undefined, tried };
}

/**
 * Some of the lines, evenly spread over all of them: neither the first lines nor a long one decide. If every line is
 * too long, the shortest one.
 */
export function sampleLines(parts: readonly Uint8Array[]): Uint8Array[] {
  const lines = parts.flatMap(linesOf);
  const step = Math.max(1, lines.length / LINES_MAX);
  const sample: Uint8Array[] = [];
  let bytesLeft = BYTES_MAX;
  for (let at = 0; at < lines.length; at += step) {
    const line = lines[Math.floor(at)];
    if (!line || line.length > bytesLeft) continue;
    bytesLeft -= line.length;
    sample.push(line);
  }
  if (sample.length > 0) return sample;
  return lines.toSorted((a, b) => a.length - b.length).slice(0, 1);
}

/** The lines; those that a container runtime split are joined. */
function linesOf(part: Uint8Array): Uint8Array[] {
  const hasBom = BOM.every((byte, index) => part[index] === byte);
  const bytes = hasBom ? part.subarray(BOM.length) : part;
  const lines: Uint8Array[] = [];
  const split = new Map<string, Uint8Array[]>();
  eachLine({ bytes }, (start, end) => {
    const line = { bytes, start, end };
    const origin = unwrap(line, CONTEXT);
    const key = origin ? originKey(origin) : "";
    const parts = origin && split.get(key);
    if (!origin || (!parts && !origin.isPartial)) {
      if (!origin || !isEmpty(origin)) lines.push(bytesOf(line));
      return;
    }
    const joined = [...(parts ?? []), bytesOf(origin.body)];
    if (origin.isPartial) split.set(key, joined);
    else {
      split.delete(key);
      lines.push(Buffer.concat(joined));
    }
  });
  return [...lines, ...[...split.values()].map((parts) => Buffer.concat(parts))];
}

/** Without the incomplete last line, unless it is the only one. */
function withoutPartialLine(sample: Uint8Array): Uint8Array {
  const end = sample.lastIndexOf(LF) + 1;
  return end === 0 ? sample : sample.subarray(0, end);
}

/** The part of the line that the format reads. */
export const readBy = ({ readsHeader }: Format, line: ReadableLine): Line =>
  readsHeader === true ? (line.withHeader ?? line) : line;

/** Finds the formats that can parse single lines. */
export class LineProber {
  readonly #probes: readonly Probe[];
  readonly #specific: readonly Probe[];
  /** Whether a specific format can parse JSON objects of this shape. */
  readonly #shapes = new Map<number, boolean>();

  constructor(context: Context = {}) {
    this.#probes = FORMATS.map((format) => new Probe(format, context));
    this.#specific = this.#probes.filter(({ format }) => format.isGeneric !== true);
  }

  /** The formats that can parse the line, whatever its time. */
  formatsOf(line: ReadableLine): Format[] {
    const all = this.#probes.filter((probe) => probe.canParse(line)).map(({ format }) => format);
    const specific = all.filter((format) => format.isGeneric !== true);
    return specific.length > 0 ? specific : all;
  }

  /** Whether a format that is not generic can parse the line. JSON objects with the same names are alike. */
  hasSpecific(line: ReadableLine): boolean {
    const shape = jsonShape(line.bytes, line.start, line.end);
    const known = shape === undefined ? undefined : this.#shapes.get(shape);
    if (known !== undefined) return known;
    const has = this.#specific.some((probe) => probe.canParse(line));
    if (shape === undefined) return has;
    if (this.#shapes.size >= SHAPES_MAX) this.#shapes.clear();
    this.#shapes.set(shape, has);
    return has;
  }
}

/** A format with a batch of its own. */
class Probe {
  readonly format: Format;
  readonly #batch = new Batch(1);
  readonly #scan: LineScanner;
  #lines = 0;

  constructor(format: Format, { cloudFrontFields }: Context) {
    this.format = format;
    this.#scan = format.open(this.#batch, { ...CONTEXT, cloudFrontFields });
  }

  canParse(line: ReadableLine): boolean {
    const { format } = this;
    this.#lines += 1;
    if (this.#lines % PROBES_PER_RESET === 0) this.#batch.reset();
    this.#batch.rollback();
    const { bytes, start, end } = readBy(format, line);
    if (this.#scan(bytes, start, end) !== undefined) return false;
    return (format.detection?.evidence?.(this.#batch, bytes.subarray(start, end)) ?? 0) >= 0;
  }
}

type Attempt = {
  format: Format;
  /** Whether the format parses the line, by the number of the line. */
  parsed: boolean[];
  /** Average evidence of the parsed lines. */
  evidence: number;
  /** Why the first of the other lines is not of this format. */
  reason: string | undefined;
};

/** A line without its envelopes, as formats get it, and with its syslog header. */
type Sample = { body: Uint8Array; withHeader: Uint8Array };

function sampleOf(bytes: Uint8Array): Sample {
  const found = unwrap({ bytes, start: 0, end: bytes.length }, CONTEXT);
  return found
    ? { body: bytesOf(found.body), withHeader: bytesOf(found.withHeader) }
    : { body: bytes, withHeader: bytes };
}

const bytesOf = ({ bytes, start, end }: Line): Uint8Array => bytes.subarray(start, end);

function tryFormat(
  format: Format,
  samples: readonly Sample[],
  cloudFrontFields: Context["cloudFrontFields"],
): Attempt {
  const batch = new Batch(1);
  const fieldNames = { text: "" };
  const scan = format.open(batch, { ...CONTEXT, fieldNames, cloudFrontFields });
  let evidence = 0;
  let reason: string | undefined;
  const parsed = samples.map(({ body, withHeader }) => {
    const line = format.readsHeader ? withHeader : body;
    const names = format.headerLine?.(line, 0, line.length);
    if (names !== undefined) {
      fieldNames.text = names === "" ? fieldNames.text : names;
      evidence += HEADER_EVIDENCE;
      return true;
    }
    batch.rollback();
    const refusal = scan(line, 0, line.length);
    reason ??= refusal;
    if (refusal !== undefined) return false;
    const weight = format.detection?.evidence?.(batch, line) ?? 0;
    // A few such lines are no reason against a format that reads lines of any program.
    if (weight < 0 && format.isGeneric === true) return false;
    evidence += weight;
    return true;
  });
  const count = parsed.filter(Boolean).length;
  return { format, parsed, evidence: count === 0 ? 0 : evidence / count, reason };
}

/** Generic formats do not get the lines that another one parses. */
function withoutTaken(attempts: readonly Attempt[]): Attempt[] {
  const specific = attempts.filter((it) => it.format.isGeneric !== true && hasParsed(it));
  return attempts.map((attempt) => {
    if (attempt.format.isGeneric !== true) return attempt;
    const parsed = attempt.parsed.map(
      (isParsed, index) => isParsed && !specific.some((it) => it.parsed[index]),
    );
    return { ...attempt, parsed };
  });
}

/**
 * The parsed lines, and those that continue their events: lines that are an event of another format do not. The latter
 * do not count against a strict format, because a stream may have several.
 */
function countUnderstood(
  { format, parsed, evidence }: Attempt,
  samples: readonly Sample[],
  isEvent: readonly boolean[],
): number {
  const count = parsed.filter(Boolean).length;
  if (evidence >= EVIDENCE_STRICT && count > 0) return isEvent.filter(Boolean).length;
  if (!format.begins || count === 0) return count;
  const first = parsed.indexOf(true);
  const continued = samples.filter(
    ({ body }, index) =>
      index > first && isEvent[index] !== true && !format.begins?.(body, 0, body.length),
  );
  return count + continued.length;
}

const hasParsed = ({ parsed, evidence }: Attempt): boolean =>
  evidence >= 0 && parsed.includes(true);

/** Logs of events that are no requests, such as error logs, show which program writes the stream. */
function programWeight(format: Format, others: readonly Format[]): number {
  const isSame = (other: Format): boolean =>
    other !== format && other.requests === "none" && programOf(other) === programOf(format);
  return others.some(isSame) ? PROGRAM_WEIGHT : 0;
}

const programOf = ({ dataset }: Format): string => dataset.split(".")[0] ?? dataset;

function pathWeight({ detection }: Format, path: string): number {
  return detection?.path?.test(path) ? PATH_WEIGHT : 0;
}
