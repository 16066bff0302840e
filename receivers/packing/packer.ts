import { readFileSync } from "node:fs";

import {
  DOCUMENT_BYTES,
  INPUT,
  INPUT_BYTES,
  ITEMS,
  ITEMS_MAX,
  LINE_ENDS,
  MEMORY_BYTES,
  OUTPUT,
  SUMS,
  TABLE_BYTES,
  TABLES,
  TABLES_MAX,
} from "./layout.ts";
import { PackTable } from "./pack-table.ts";

const WASM = new URL("pack.wasm", import.meta.url);
const PAGE_BYTES = 65_536;

type Scan = (table: number, from: number, to: number) => number;

/** Items that were packed. */
export type Packed = {
  count: number;
  /** Where the first item begins that was not packed. */
  next: number;
  /** For each item the sum of the numbers of its parts, the end of its line, and the bytes of its document. */
  sums: Uint32Array;
  lineEnds: Uint32Array;
  documentBytes: Uint32Array;
  /** The lines. Valid until the next call. */
  lines: Buffer;
};

/**
 * Packs the documents of bulk requests (packed-documents.ts) without parsing them: those that consist of members which the shipper
 * has sent before, a message, a time and an offset. A document of this form is valid JSON because its members are.
 */
export class Packer {
  readonly #memory: Buffer<ArrayBuffer>;
  readonly #items: Pick<Packed, "sums" | "lineEnds" | "documentBytes">;
  readonly #view: DataView;
  readonly #scan: Scan;
  /** By shipper, those that sent last at the end. */
  readonly #tables = new Map<string, PackTable>();

  constructor() {
    const pages = Math.ceil(MEMORY_BYTES / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const module = new WebAssembly.Module(readFileSync(WASM));
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type in assembly/pack.ts, of which it is compiled
    this.#scan = exports["scan"] as Scan;
    this.#memory = Buffer.from(memory.buffer);
    this.#view = new DataView(memory.buffer);
    const words = (at: number): Uint32Array => new Uint32Array(memory.buffer, at, ITEMS_MAX);
    this.#items = {
      sums: words(SUMS),
      lineEnds: words(LINE_ENDS),
      documentBytes: words(DOCUMENT_BYTES),
    };
  }

  /** What is known about the documents of a shipper, which has to be the same for the same key. */
  tableOf(key: string): PackTable {
    let table = this.#tables.get(key);
    if (!table) table = new PackTable(this.#memory, this.#freePlace());
    this.#tables.delete(key);
    this.#tables.set(key, table);
    return table;
  }

  /** Whether the table is still in use: its place may be that of another shipper. */
  has(table: PackTable): boolean {
    return [...this.#tables.values()].includes(table);
  }

  #freePlace(): number {
    if (this.#tables.size < TABLES_MAX) return TABLES + this.#tables.size * TABLE_BYTES;
    const [oldest] = this.#tables;
    if (!oldest) return TABLES;
    this.#tables.delete(oldest[0]);
    return oldest[1].address;
  }

  /** To be used until another body is opened. */
  open(table: PackTable, body: Buffer): BodyPacker {
    const load = (start: number): number =>
      body.copy(this.#memory, INPUT, start, start + INPUT_BYTES);
    const scan = (from: number, to: number): Packed & { at: number } => {
      const at = this.#scan(table.address, INPUT + from, INPUT + to) - INPUT;
      const count = this.#view.getUint32(ITEMS, true);
      const end = count === 0 ? 0 : (this.#items.lineEnds[count - 1] ?? 0);
      table.packed(count);
      const lines = this.#memory.subarray(OUTPUT, OUTPUT + end);
      return { count, next: 0, at, ...this.#items, lines };
    };
    return new BodyPacker(body, { load, scan });
  }
}

type Window = {
  /** Copies the body from here on, as much as there is room for, and returns the number of bytes. */
  load(start: number): number;
  /** `at`: where the first item begins that was not packed. */
  scan(from: number, to: number): Packed & { at: number };
};

/** Packs the items of one body. */
export class BodyPacker {
  readonly #body: Buffer;
  readonly #window: Window;
  /** Which bytes of the body were copied. */
  #start = 0;
  #end = 0;

  constructor(body: Buffer, window: Window) {
    this.#body = body;
    this.#window = window;
  }

  /** Packs the items from `start` on, as many as are consecutive and fit into the memory. */
  pack(start: number): Packed {
    const isLoaded = start < this.#end && start >= this.#start;
    if (!isLoaded) this.#load(start);
    const packed = this.#scan(start);
    // The item may be complete in the body only.
    const mayBeCut = packed.count === 0 && isLoaded && this.#end < this.#body.length;
    if (!mayBeCut || start - this.#start < INPUT_BYTES / 2) return packed;
    this.#load(start);
    return this.#scan(start);
  }

  #load(start: number): void {
    this.#start = start;
    this.#end = start + this.#window.load(start);
  }

  #scan(start: number): Packed {
    const packed = this.#window.scan(start - this.#start, this.#end - this.#start);
    return { ...packed, next: packed.at + this.#start };
  }
}
