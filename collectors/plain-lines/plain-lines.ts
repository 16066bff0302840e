import { readFileSync } from "node:fs";

import type { Batch } from "../batch.ts";
import type { FormatContext, PlainTail } from "../format.ts";
import { ClfTimeReader, DAY_MS, EARLIEST_MS as EARLIEST_TIME_MS } from "../formats/time.ts";
import { type LineForm, type LineLayout, accessLogTime } from "../line-layout.ts";
import {
  COMBINED_LAYOUT,
  COMMON_LAYOUT,
  DATASET,
  EARLIEST_MS,
  LATEST_MS,
  LINE_BYTES,
  NEEDS_TAIL,
  OFFSET_BASE,
  ROWS,
  ROWS_MAX,
  TAIL,
  TAILED_LINE,
  TAIL_END,
} from "./layout.ts";
import { PlainLinesMemory } from "./memory.ts";
import { PlainUrls } from "./plain-urls.ts";

const WASM = new URL("plain-lines.wasm", import.meta.url);
const TIME_BYTES = 26;
const CLOCK_BYTE = 12;
const ZONE_BYTE = 21;
const MIDNIGHT = "00:00:00";

/** The lines of a chunk, all of one dataset. */
export type PlainChunk = {
  bytes: Uint8Array;
  /** Offset of the first byte in the log. */
  offset: number;
  tail: PlainTail;
};

let compiled: WebAssembly.Module | undefined;

/**
 * Reads lines of the combined log in their most frequent form, ASCII without escapes, several times as fast as a format: all
 * that are consecutive, in a WebAssembly module. Their fields are those that `AccessLine` reads, which reads the others.
 */
export class PlainLines {
  readonly #batch: Batch;
  readonly #memory: PlainLinesMemory;
  readonly #context: FormatContext;
  readonly #view: DataView;
  readonly #exports: Exports;
  #tail: PlainTail | undefined;
  #bytes: Uint8Array = new Uint8Array();
  /** Address of the first byte of the chunk. */
  #base = 0;

  constructor(batch: Batch, memory: PlainLinesMemory, context: FormatContext) {
    this.#batch = batch;
    this.#memory = memory;
    this.#context = context;
    this.#view = new DataView(memory.memory.buffer);
    this.#exports = this.#instantiate(new ClfTimeReader(context));
    batch.plainUrls = new PlainUrls(memory, this.#exports.splitUrls);
  }

  /** Memory for the bytes of a chunk, which are then read where they are; undefined if it is larger. */
  chunkMemory(bytes: number): Buffer | undefined {
    return this.#memory.chunk(bytes);
  }

  /** To be called before `take`, after the column of lines began with the bytes of the chunk. */
  begin({ bytes, offset, tail }: PlainChunk): void {
    const view = this.#view;
    this.#bytes = bytes;
    this.#tail = tail;
    this.#base = this.#batch.lines.beginOf(bytes);
    view.setFloat64(OFFSET_BASE, offset - this.#base, true);
    view.setFloat64(LATEST_MS, this.#context.nowMs + DAY_MS, true);
    view.setFloat64(EARLIEST_MS, EARLIEST_TIME_MS, true);
    view.setUint32(NEEDS_TAIL, tail.isRequired ? 1 : 0, true);
    this.#exports.forgetDay();
  }

  /** Writes the plain lines from `start` on into rows, and returns where the first other line, or the end, is. */
  take(start: number, dataset: number): number {
    const { lines } = this.#batch;
    if (!this.#memory.hasAll || lines.beginOf(this.#bytes) < 0) return start;
    const view = this.#view;
    const end = this.#base + this.#bytes.length;
    view.setUint32(DATASET, dataset, true);
    for (let at = this.#base + start; ;) {
      view.setUint32(ROWS, this.#batch.rows, true);
      view.setUint32(ROWS_MAX, this.#batch.rowsMax, true);
      view.setUint32(LINE_BYTES, lines.used, true);
      const next = this.#exports.scan(at, end);
      this.#batch.rows = view.getUint32(ROWS, true);
      lines.setUsed(view.getUint32(LINE_BYTES, true));
      if (view.getUint32(TAIL, true) === 0) return next - this.#base;
      if (!this.#readTail()) return view.getUint32(TAILED_LINE, true) - this.#base;
      at = next;
    }
  }

  /** Reads the tail of the last line; if it is refused, removes the line. */
  #readTail(): boolean {
    const batch = this.#batch;
    const view = this.#view;
    const from = view.getUint32(TAIL, true) - this.#base;
    const end = view.getUint32(TAIL_END, true) - this.#base;
    batch.rows -= 1;
    if (this.#tail?.read(this.#bytes, from, end) === undefined) {
      batch.rows += 1;
      return true;
    }
    batch.lines.remove(batch.rows);
    batch.rollback();
    return false;
  }

  #instantiate(times: ClfTimeReader): Exports {
    compiled ??= new WebAssembly.Module(readFileSync(WASM));
    const { memory } = this.#memory;
    const bytes = Buffer.from(memory.buffer);
    const time = Buffer.alloc(TIME_BYTES);
    const dayOf = (at: number): number => {
      bytes.copy(time, 0, at, at + TIME_BYTES);
      time.write(MIDNIGHT, CLOCK_BYTE);
      const ms = times.read26(time, 0);
      this.#setLayouts(ms, time.toString("latin1"));
      return ms;
    };
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory }, time: { dayOf } });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the types in assembly/scan.ts, of which it is compiled
    return exports as Exports;
  }

  /** The layouts of lines of a day and a zone, if their times are written as they are given back. */
  #setLayouts(ms: number, written: string): void {
    const zone = written.slice(ZONE_BYTE);
    const isUsual = accessLogTime(ms, zone) === written;
    const number = (form: LineForm): number => {
      const layout: LineLayout = `${form} ${zone}`;
      return isUsual ? this.#batch.layouts.internText(layout) : 0;
    };
    this.#view.setUint32(COMBINED_LAYOUT, number("combined"), true);
    this.#view.setUint32(COMMON_LAYOUT, number("common"), true);
  }
}

/** Lets the batch, which has to be empty, use the module's memory. Null if there is not enough address space for it. */
export function openPlainLines(batch: Batch, context: FormatContext): PlainLines | null {
  try {
    const memory = new PlainLinesMemory(batch.rowsMax);
    batch.share(memory);
    return new PlainLines(batch, memory, context);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** The functions of assembly/scan.ts. */
type Exports = {
  scan(from: number, to: number): number;
  forgetDay(): void;
  splitUrls(first: number, last: number): number;
};
