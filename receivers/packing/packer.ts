import { readFileSync } from "node:fs";

import type { Packed } from "#collectors/packed/packed-documents.ts";

import {
  BODIES,
  BODIES_MAX,
  BODY_BYTES,
  BODY_STEP,
  CHECKSUM,
  CHECKSUM_BYTES,
  DOCUMENTS,
  INPUT,
  INPUT_BYTES,
  KIND_OF,
  KINDS,
  MEMBERS,
  MEMORY_BYTES,
  OUTPUT,
  OUTPUT_BYTES,
  RESULT_BYTES,
  RESULT_COUNT,
  RESULT_DOCUMENT_BYTES,
  RESULT_FIRST,
  RESULT_FIRST_BYTES,
  RESULT_MEANING,
  RESULT_MEMBERS_END,
  RESULT_MESSAGES_END,
  RESULT_PARTS,
  RESULTS,
  TABLE_BYTES,
  TABLES,
  TABLES_MAX,
} from "./layout.ts";
import { PackTable } from "./pack-table.ts";

const WASM = new URL("pack.wasm", import.meta.url);
const PAGE_BYTES = 65_536;
const PARTS_BYTES = 16;

/** The functions of assembly/pack.ts. */
type Exports = {
  scan(table: number, from: number, to: number): number;
  beginChecksum(): void;
  addToChecksum(at: number, bytes: number): void;
};

/** Packed documents (packed-documents.ts), and their number. */
export type Block = { packed: Packed; bytes: Buffer; count: number };

/** Documents that were packed whose members have the same meaning. */
export type Kind = {
  /** The same for all documents of these members, also of later scans. */
  key: string;
  count: number;
  documentBytes: number;
  /** The first of them. Valid until the memory of the body is written to. */
  first: Buffer;
  /** Copies them. To be called before the next scan. */
  block(): Block;
};

/** Documents that were packed. */
export type Scanned = {
  count: number;
  /** Where the first item begins that was not packed. */
  next: number;
  kinds: Kind[];
  /** Which of the kinds each document is. Valid until the next scan. */
  kindOf: Uint8Array;
};

/**
 * Packs the documents of bulk requests (packed-documents.ts) without parsing them: those that consist of members which the shipper
 * has sent before, a message, a time and an offset. A document of this form is valid JSON because its members are.
 */
export class Packer {
  readonly #memory: Buffer<ArrayBuffer>;
  readonly #view: DataView;
  readonly #exports: Exports;
  /** By shipper, those that sent last at the end. */
  readonly #tables = new Map<string, PackTable>();

  constructor() {
    const pages = Math.ceil(MEMORY_BYTES / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const module = new WebAssembly.Module(readFileSync(WASM));
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the types in assembly/pack.ts, of which it is compiled
    this.#exports = exports as Exports;
    this.#memory = Buffer.from(memory.buffer);
    this.#view = new DataView(memory.buffer);
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

  /** Memory for bodies, which are packed without being copied there. */
  bodyMemory(): Buffer[] {
    return Array.from({ length: BODIES_MAX }, (_, n) => {
      const at = BODIES + n * BODY_STEP;
      return this.#memory.subarray(at, at + BODY_BYTES);
    });
  }

  /** Tells bodies of the same size from each other; invalidates the body that is open. */
  checksum(body: Buffer): Buffer {
    this.#exports.beginChecksum();
    for (let at = 0; at < body.length;) {
      const { address, bytes } = this.#load(body, at);
      this.#exports.addToChecksum(address, bytes);
      at += bytes;
    }
    return Buffer.from(this.#memory.subarray(CHECKSUM, CHECKSUM + CHECKSUM_BYTES));
  }

  /** Copies the body from here on to the input, as much as there is room for, unless it is in the memory. */
  #load(body: Buffer, start: number): Loaded {
    if (body.buffer === this.#memory.buffer)
      return { address: body.byteOffset + start, bytes: body.length - start };
    const bytes = body.copy(this.#memory, INPUT, start, start + INPUT_BYTES);
    return { address: INPUT, bytes };
  }

  /** To be used until another body is opened. */
  open(table: PackTable, body: Buffer): BodyPacker {
    const load = (start: number): Loaded => this.#load(body, start);
    const scan = (from: number, to: number): Scanned => {
      const next = this.#exports.scan(table.address, from, to);
      const count = this.#view.getUint32(DOCUMENTS, true);
      table.packed(count);
      const length = this.#view.getUint32(KINDS, true);
      const kinds = Array.from({ length }, (_, kind) => this.#kind(table, kind));
      return { count, next, kinds, kindOf: this.#memory.subarray(KIND_OF, KIND_OF + count) };
    };
    return new BodyPacker(body, { load, scan });
  }

  #kind(table: PackTable, kind: number): Kind {
    const result = RESULTS + kind * RESULT_BYTES;
    const number = (at: number): number => this.#view.getUint32(result + at, true);
    const meaning = result + RESULT_MEANING;
    const first = number(RESULT_FIRST);
    const count = number(RESULT_COUNT);
    const block = (): Block => {
      const messages = OUTPUT + kind * OUTPUT_BYTES;
      const messagesEnd = number(RESULT_MESSAGES_END);
      const bytes = Buffer.concat([
        this.#memory.subarray(messages, messagesEnd),
        this.#memory.subarray(messages + MEMBERS, number(RESULT_MEMBERS_END)),
      ]);
      const bits = this.#memory.buffer.slice(
        result + RESULT_PARTS,
        result + RESULT_PARTS + PARTS_BYTES,
      );
      const parts = table.partsIn(new Uint32Array(bits));
      return { packed: { parts, messageBytes: messagesEnd - messages }, bytes, count };
    };
    return {
      key: this.#memory.toString("latin1", meaning, result + RESULT_PARTS),
      count,
      documentBytes: number(RESULT_DOCUMENT_BYTES),
      first: this.#memory.subarray(first, first + number(RESULT_FIRST_BYTES)),
      block,
    };
  }
}

/** Where the bytes of a body from some place on are in the memory, and how many of them. */
type Loaded = { address: number; bytes: number };

type Window = {
  load(start: number): Loaded;
  /** Of addresses. `next` is one too. */
  scan(from: number, to: number): Scanned;
};

/** Packs the items of one body. */
export class BodyPacker {
  readonly #body: Buffer;
  readonly #window: Window;
  /** Which bytes of the body are in the memory, and the address at which it would begin there. */
  #start = 0;
  #end = 0;
  #base = 0;

  constructor(body: Buffer, window: Window) {
    this.#body = body;
    this.#window = window;
  }

  /** Packs the items from `start` on, as many as are consecutive and fit into the output. */
  pack(start: number): Scanned {
    const isLoaded = start < this.#end && start >= this.#start;
    if (!isLoaded) this.#load(start);
    const scanned = this.#scan(start);
    // The item may be complete in the body only.
    const mayBeCut = scanned.count === 0 && isLoaded && this.#end < this.#body.length;
    if (!mayBeCut || start - this.#start < INPUT_BYTES / 2) return scanned;
    this.#load(start);
    return this.#scan(start);
  }

  #load(start: number): void {
    const { address, bytes } = this.#window.load(start);
    this.#start = start;
    this.#end = start + bytes;
    this.#base = address - start;
  }

  #scan(start: number): Scanned {
    const scanned = this.#window.scan(this.#base + start, this.#base + this.#end);
    return { ...scanned, next: scanned.next - this.#base };
  }
}
