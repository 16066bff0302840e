import type { Batch } from "./batch.ts";
import type { Zone } from "./zone.ts";

export type FormatContext = {
  /** The zone of times that carry none. */
  zone: Zone;
  /** For times that carry no year: the newest instant that they may mean, epoch ms. */
  nowMs: number;
};

/**
 * Writes the fields of the line in [start, end) (no line end in it) into the batch's open row, and returns
 * undefined; or returns why the line is not of this format, in words for a person. Never throws, takes time linear
 * in the length of the line, and neither commits nor rolls back: its caller does.
 */
export type LineScanner = (bytes: Uint8Array, start: number, end: number) => string | undefined;

/** A kind of log. One file in formats/ each; stateless but for what `open` returns. */
export type Format = {
  /** The ECS dataset, such as `nginx.access`. */
  readonly dataset: string;
  /** What a person calls it, such as `nginx access log`. */
  readonly title: string;
  /** Binds to the batch's columns once, so that a line costs no look-up. */
  open(batch: Batch, context: FormatContext): LineScanner;
  /** For logs whose events span lines: whether this line begins an event. Absent: every line does. */
  begins?(bytes: Uint8Array, start: number, end: number): boolean;
};
