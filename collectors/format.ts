import type { Batch } from "./batch.ts";
import type { Zone } from "./zone.ts";

export type FormatContext = {
  /** Zone of times without one. */
  zone: Zone;
  /** For times without a year: the latest instant that they may mean, epoch ms. */
  nowMs: number;
};

/**
 * Writes the fields of the line in [start, end) (no line end in it) into the batch's open row, and returns
 * undefined; or returns why the line is not of this format, as a message for people. Never throws, takes time linear
 * in the length of the line, and leaves commit or rollback to its caller.
 */
export type LineScanner = (bytes: Uint8Array, start: number, end: number) => string | undefined;

/** Tiers that a request passes, each with a log of its own, outermost first. */
export const TIERS = ["edge", "cache", "ingress", "proxy", "origin"] as const;
type Tier = (typeof TIERS)[number];

/** What all events of a dataset have in common. */
export type DatasetTraits = {
  "event.kind": string;
  "event.category": string;
  "event.type": string | undefined;
  /** `event.type` follows from the log level: error or info. */
  levelDecidesType: boolean;
  /** A client that is not an IP address is a host name. */
  namesClients: boolean;
};

/** How a format is told from others that read the same lines. */
type Detection = {
  /** Weight of one line that the format can read: above 0 in favour of this format, below 0 against it. */
  evidence?(batch: Batch, line: Uint8Array): number;
  /** File paths that suggest this format. */
  path?: RegExp;
};

/**
 * A log format: one file in formats/ and one entry of its list (formats/index.ts). Stateless except for what `open`
 * returns.
 */
export type Format = {
  /** The ECS dataset, such as `nginx.access`. */
  readonly dataset: string;
  /** For people, such as `nginx access log`. */
  readonly title: string;
  /** All events are requests, logged at this tier; or none is; or their fields decide (`mixed`). */
  readonly requests: Tier | "none" | "mixed";
  /** Binds to the batch's columns once, so that a line costs no look-up. */
  open(batch: Batch, context: FormatContext): LineScanner;
  /** For logs whose events span lines: whether this line begins an event. Absent: every line does. */
  begins?(bytes: Uint8Array, start: number, end: number): boolean;
  readonly detection?: Detection;
  /** Where common packages write this log: glob patterns. */
  readonly usualPaths?: readonly string[];
  readonly traits?: DatasetTraits;
  /** Fields whose values make up related.ip, related.user and related.hosts, as in Elastic's module. */
  readonly related?: Readonly<Record<string, readonly string[]>>;
  /** Changes a flat document where Elastic's module for this dataset differs from what Quarterdeck stores. */
  toElastic?(document: Record<string, unknown>): void;
};
