import type { Batch } from "./batch.ts";
import type { DurationUnits } from "./duration-units.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";
import type { Zone } from "./zone.ts";

/** The fields of a stream's lines, as its latest header line names them; empty before the first one. */
export type FieldNames = { text: string };

export type FormatContext = {
  /** Zone of times without one. */
  zone: Zone;
  /** The latest possible time, for times without a year; epoch ms. */
  nowMs: number;
  /** What the durations of the stream that is read mean. Default: decided by all lines that a scanner reads. */
  units?: DurationUnits;
  /** The proxies whose X-Forwarded-For is believed; absent: those in private networks. */
  trustedProxies?: TrustedProxies | undefined;
  /** The fields of real-time logs of CloudFront; absent: all. */
  cloudFrontFields?: readonly string[] | undefined;
  /** Of the stream that is read. Absent: no header line was read. */
  fieldNames?: FieldNames;
};

/**
 * Writes the fields of the line in [start, end) (no line end in it) into the batch's open row, and returns
 * undefined; or returns why the line is not of this format, as a message for people. Never throws, runs in time linear
 * in the length of the line, and leaves commit or rollback to its caller. An event without a readable time of its own
 * has no `@timestamp`: the reader of the stream writes it.
 */
export type LineScanner = {
  (bytes: Uint8Array, start: number, end: number): string | undefined;
  /** For access logs: what `PlainLines` needs to read their plain lines. */
  readonly plainTail?: PlainTail | undefined;
};

export type PlainTail = {
  /** Reads what follows the user agent of a line whose other fields are in the open row. */
  read: LineScanner;
  /** Whether every line has such a tail. */
  isRequired: boolean;
};

/** Tiers that a request passes through, outermost first. Each has its own log. */
export const TIERS = ["edge", "cache", "ingress", "proxy", "origin"] as const;
type Tier = (typeof TIERS)[number];

/** Properties that all events of a dataset have in common. */
export type DatasetTraits = {
  "event.kind": string;
  "event.category": string | undefined;
  "event.type": string | undefined;
  /** `event.type` follows from the log level: error or info. */
  levelDecidesType: boolean;
  /** Whether a client that is not an IP address is a host name. */
  namesClients: boolean;
};

/** How a format is distinguished from others that parse the same lines. */
type Detection = {
  /**
   * Weight of a line whose fields are in the open row of the batch: above 0 in favour of this format, below 0 against
   * it.
   */
  evidence?(batch: Batch, line: Uint8Array): number;
  /** File paths that suggest this format. */
  path?: RegExp;
};

/** Lines in a quoted text belong to their event, whatever they look like. */
type Quoting = {
  /** Whether a quoted text is open after this line, which is the first one of an event unless one was open before. */
  isOpenAfter(bytes: Uint8Array, line: { start: number; end: number; wasOpen: boolean }): boolean;
  /** Whether this line begins an event also if a quoted text is open, which then never ended. */
  mustBegin(bytes: Uint8Array, start: number, end: number): boolean;
};

/**
 * A log format: one file in formats/ and one entry of its list (formats/index.ts). Stateless except for what `open`
 * returns.
 */
export type Format = {
  /** The ECS dataset, e.g. `nginx.access`. */
  readonly dataset: string;
  /** Title for people, e.g. `nginx access log`. */
  readonly title: string;
  /** The tier, if all events are requests; `none` if none is; `mixed` if their fields decide. */
  readonly requests: Tier | "none" | "mixed";
  /** Whether it reads lines of any program: a line that another format can parse is left to that one. */
  readonly isGeneric?: boolean;
  /** Whether events without a status and with another `event.type` than access are no requests, such as connections. */
  readonly hasOtherEvents?: boolean;
  /** Looks up the batch's columns once, so that lines need no look-up. */
  open(batch: Batch, context: FormatContext): LineScanner;
  /** Whether the scanner reads syslog headers itself; otherwise it gets lines without them. */
  readonly readsHeader?: boolean;
  /**
   * For logs with header lines, which are no events: the names of the fields in this header line, "" if it names none;
   * undefined if it is no header line.
   */
  headerLine?(bytes: Uint8Array, start: number, end: number): string | undefined;
  /** For logs with multi-line events: whether this line begins an event. Default: every line does. */
  begins?(bytes: Uint8Array, start: number, end: number): boolean;
  /**
   * For formats with `begins`: whether this line belongs to the event that begins after it, such as `# Time:` of a slow
   * query log. The scanner reads it alone too, as nothing may follow.
   */
  precedes?(bytes: Uint8Array, start: number, end: number): boolean;
  /** For formats with `begins`: whether this line continues the event before it, so that no format needs to be tried. */
  continues?(bytes: Uint8Array, start: number, end: number): boolean;
  /** For formats with `begins`: that of events with quoted texts of several lines. */
  readonly quoting?: Quoting;
  /** Whether an event contains any text, such as a statement or a trace: a line of a generic format is part of it. */
  readonly hasAnyText?: boolean;
  readonly detection?: Detection;
  /** Glob patterns of the usual paths of this log. */
  readonly usualPaths?: readonly string[];
  readonly traits?: DatasetTraits;
  /** Fields whose values make up related.ip, related.user and related.hosts, as in Elastic's module. */
  readonly related?: Readonly<Record<string, readonly string[]>>;
  /** Converts a flat document to that of Elastic's module for this dataset, if they differ. */
  toElastic?(document: Record<string, unknown>): void;
};
