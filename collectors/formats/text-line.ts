import type { Batch } from "../batch.ts";
import type { NumberField, TextField } from "../fields.ts";
import { EXTRA_FIELD, LIST_SEPARATOR } from "../fields.ts";
import type { FormatContext, LineScanner } from "../format.ts";
import { Extras } from "./access-columns.ts";
import { textOf } from "./bytes.ts";
import { implausible } from "./time.ts";

const SEPARATOR = String.fromCharCode(LIST_SEPARATOR);
/** Decimal numbers, without those that only JavaScript reads, such as `0x1f`. */
const NUMBER = /^-?\d{1,15}(?:\.\d{1,12})?$/;

/** The number that a text is; undefined for other texts. */
export const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && NUMBER.test(text) ? Number(text) : undefined;

/** Patterns match this part of a line; the rest is copied to the message. */
export const HEAD_LENGTH_MAX = 16_384;

/** Writes a row of a format that parses lines as text, for logs of low volume. */
export class RowWriter {
  readonly batch: Batch;
  readonly extras = new Extras();
  readonly context: FormatContext;

  constructor(batch: Batch, context: FormatContext) {
    this.batch = batch;
    this.context = context;
  }

  /** Writes nothing if the text is missing, empty or a dash. */
  text(field: TextField, text: string | undefined): void {
    if (text !== undefined && text !== "" && text !== "-")
      this.batch.text(field).putText(this.batch.rows, text);
  }

  /** Writes nothing if the text is not a number. */
  number(field: NumberField, value: string | number | undefined): void {
    const number = typeof value === "number" ? value : Number(value ?? Number.NaN);
    if (value === "" || !Number.isFinite(number) || Math.abs(number) > Number.MAX_SAFE_INTEGER)
      return;
    this.batch.number(field).put(this.batch.rows, number);
  }

  extra(name: string, value: unknown): void {
    if (value !== undefined && value !== "" && value !== "-") this.extras.set(name, value);
  }

  /** For a field without a column. Writes nothing if the text is not a number. */
  extraNumber(name: string, text: string | undefined): void {
    const number = numberOf(text);
    if (number !== undefined) this.extras.set(name, number);
  }

  /** Several texts of a field. Writes nothing if there are none. */
  list(field: TextField, texts: readonly (string | undefined)[]): void {
    const known = texts.filter((text) => text !== undefined && text !== "");
    if (known.length > 0) this.batch.text(field).putText(this.batch.rows, known.join(SEPARATOR));
  }

  /** Returns why the time is invalid, or undefined if it was written. */
  time(ms: number, text: string): string | undefined {
    const why = implausible(ms, this.context.nowMs);
    if (why !== undefined) return Number.isNaN(ms) ? `${why}: ${text.slice(0, 60)}` : why;
    this.batch.number("@timestamp").put(this.batch.rows, ms);
    return undefined;
  }

  begin(): void {
    this.extras.clear();
  }

  end(): void {
    this.extras.write(this.batch.text(EXTRA_FIELD), this.batch.rows);
  }
}

/** A scanner for lines that are parsed as text; `read` returns why a line is rejected. */
export function openTextLine(
  batch: Batch,
  context: FormatContext,
  read: (text: string, row: RowWriter) => string | undefined,
): LineScanner {
  const row = new RowWriter(batch, context);
  return (bytes, start, end) => {
    row.begin();
    const reason = read(textOf(bytes, start, end), row);
    if (reason === undefined) row.end();
    return reason;
  };
}

/**
 * The scanner for lines that begin with one of these characters, in ASCII. Others are rejected for this reason before they
 * are decoded, as formats are tried with the lines of all programs.
 */
export function onlyAfter(characters: string, scan: LineScanner, reason: string): LineScanner {
  const isFirst = new Uint8Array(256);
  for (const byte of Buffer.from(characters)) isFirst[byte] = 1;
  return (bytes, start, end) =>
    start < end && isFirst[bytes[start]!] === 1 ? scan(bytes, start, end) : reason;
}
