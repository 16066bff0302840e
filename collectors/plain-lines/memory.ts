import type { NumberField, TextField } from "../fields.ts";
import { HASH_FACTOR as FACTOR, HASH_SEED as SEED } from "../hash-bytes.ts";
import type { LineArrays, NumberArrays, TextArrays } from "./arrays.ts";
import {
  ADDRESS,
  ARRAYS,
  BODY_BYTES,
  DATASET_NAMES,
  ENDS,
  HASH_FACTOR,
  HASH_SEED,
  HEAD_BYTES,
  IDS,
  LAYOUTS,
  LINES,
  LINE_LENGTHS,
  LINE_STARTS,
  METHOD,
  OFFSETS,
  PATH,
  PATH_OF_URL,
  QUERY,
  QUERY_OF_URL,
  REFERRER,
  SLOTS,
  STATUSES,
  TIMES,
  URL,
  USER,
  USER_AGENT,
  VALUES,
  VALUE_BYTES_MAX,
  VERSION,
} from "./layout.ts";

const PAGE_BYTES = 65_536;
const MB = 1024 * 1024;
const ALIGNMENT = 64;
/** Bytes that the module may read or write after the end of an array, because it copies 16 bytes at a time. */
const SPARE_BYTES = 64;
/** The lines of a full batch. */
const LINES_BYTES = 80 * MB;
/** A chunk of a file. */
const CHUNK_BYTES = MB;
const WORD_BYTES = 4;
const NUMBER_BYTES = 8;
/** A hash and a number. */
const SLOT_WORDS = 2;

/** The head of a column and, for most logs, enough room: all values may differ, or there are few. */
type TextPlan = { head: number; slots: number; bytes: number };
const MANY = { slots: 524_288, bytes: 24 * MB };
const VALUES_MAX = MANY.slots / 2;
const FEW = { slots: 4_096, bytes: MB / 16 };

const TEXTS: readonly (readonly [TextField, TextPlan])[] = [
  ["source.address", { head: ADDRESS, ...MANY, bytes: 6 * MB }],
  ["user.name", { head: USER, ...FEW }],
  ["http.request.method", { head: METHOD, ...FEW }],
  ["url.original", { head: URL, ...MANY }],
  ["http.version", { head: VERSION, ...FEW }],
  ["http.request.referrer", { head: REFERRER, ...MANY }],
  ["user_agent.original", { head: USER_AGENT, ...MANY }],
  ["data_stream.dataset", { head: DATASET_NAMES, ...FEW }],
  ["url.path", { head: PATH, ...MANY }],
  ["url.query", { head: QUERY, ...MANY }],
];

const LAYOUT_TEXTS: TextPlan = { head: LAYOUTS, ...FEW };

const NUMBERS: readonly (readonly [NumberField, number])[] = [
  ["@timestamp", TIMES],
  ["http.response.status_code", STATUSES],
  ["http.response.body.bytes", BODY_BYTES],
  ["log.offset", OFFSETS],
];

/**
 * The memory in which the module of plain lines and the columns of a batch work on the same arrays. Its size is fixed, because
 * arrays would become unusable if it grew; pages that were never written to occupy no memory. A column that needs a larger
 * array uses one of its own, and the module is not used until the batch is emptied.
 */
export class PlainLinesMemory {
  readonly rowsMax: number;
  readonly memory: WebAssembly.Memory;
  readonly lines: LineArrays;
  readonly #chunk: Buffer<ArrayBuffer>;
  readonly texts = new Map<TextField, TextArrays>();
  readonly layouts: TextArrays;
  readonly numbers = new Map<NumberField, NumberArrays>();
  /** The numbers of the paths and queries of URLs, which the module has split. */
  readonly pathOf: Uint32Array;
  readonly queryOf: Uint32Array;
  #hasAll = true;

  /** @throws RangeError if there is not enough address space. */
  constructor(rowsMax: number) {
    this.rowsMax = rowsMax;
    const pages = Math.ceil(bytesOf(rowsMax) / PAGE_BYTES);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const head = new DataView(this.memory.buffer);
    head.setInt32(HASH_SEED, SEED, true);
    head.setInt32(HASH_FACTOR, FACTOR, true);
    const arrays = new Arrays(this.memory.buffer);
    const leave = (): void => {
      this.#hasAll = false;
    };
    for (const [field, plan] of TEXTS) {
      this.texts.set(field, { ...textArrays(arrays, plan, rowsMax), leave });
    }
    this.layouts = { ...textArrays(arrays, LAYOUT_TEXTS, rowsMax), leave };
    for (const [field, at] of NUMBERS) {
      this.numbers.set(field, { values: arrays.numbers(at, rowsMax), leave });
    }
    this.pathOf = arrays.words(PATH_OF_URL, VALUES_MAX);
    this.queryOf = arrays.words(QUERY_OF_URL, VALUES_MAX);
    const starts = arrays.words(LINE_STARTS, rowsMax);
    const lengths = arrays.words(LINE_LENGTHS, rowsMax);
    const { buffer, byteOffset: begin } = arrays.bytes(LINES, LINES_BYTES);
    const end = begin + LINES_BYTES;
    this.lines = { starts, lengths, memory: Buffer.from(buffer), begin, end, leave };
    this.#chunk = Buffer.from(buffer, begin + roomFor(LINES_BYTES), CHUNK_BYTES);
  }

  /** Memory for a chunk that no column uses; undefined if it is larger. */
  chunk(bytes: number): Buffer | undefined {
    if (bytes === CHUNK_BYTES) return this.#chunk;
    return bytes < CHUNK_BYTES ? this.#chunk.subarray(0, bytes) : undefined;
  }

  /** Whether all columns use their arrays here. */
  get hasAll(): boolean {
    return this.#hasAll;
  }

  /** To be called when all columns were emptied. */
  reset(): void {
    this.#hasAll = true;
  }
}

/** Arrays one after the other. The address of each is written where the module expects it. */
class Arrays {
  readonly #buffer: ArrayBuffer;
  readonly #head: DataView;
  #next = ARRAYS;

  constructor(buffer: ArrayBuffer) {
    this.#buffer = buffer;
    this.#head = new DataView(buffer);
  }

  words(at: number, length: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.#buffer, this.#take(at, length * WORD_BYTES), length);
  }

  numbers(at: number, length: number): Float64Array<ArrayBuffer> {
    return new Float64Array(this.#buffer, this.#take(at, length * NUMBER_BYTES), length);
  }

  bytes(at: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer, this.#take(at, length), length);
  }

  /** The head of a text column. */
  head(at: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.#buffer, at, HEAD_BYTES / WORD_BYTES);
  }

  #take(at: number, bytes: number): number {
    const address = this.#next;
    this.#head.setUint32(at, address, true);
    this.#next += roomFor(bytes);
    return address;
  }
}

function textArrays(
  arrays: Arrays,
  { head: at, slots, bytes }: TextPlan,
  rowsMax: number,
): Omit<TextArrays, "leave"> {
  const head = arrays.head(at);
  head[VALUE_BYTES_MAX / WORD_BYTES] = bytes;
  return {
    head,
    ids: arrays.words(at + IDS, rowsMax),
    ends: arrays.words(at + ENDS, slots / 2),
    slots: arrays.words(at + SLOTS, slots * SLOT_WORDS),
    values: arrays.bytes(at + VALUES, bytes),
  };
}

function bytesOf(rowsMax: number): number {
  const row = { words: roomFor(rowsMax * WORD_BYTES), numbers: roomFor(rowsMax * NUMBER_BYTES) };
  let bytes = ARRAYS + 2 * row.words + roomFor(LINES_BYTES) + roomFor(CHUNK_BYTES);
  bytes += row.numbers * NUMBERS.length + 2 * roomFor(VALUES_MAX * WORD_BYTES);
  for (const { slots, bytes: values } of [...TEXTS.map(([, plan]) => plan), LAYOUT_TEXTS]) {
    const ends = roomFor((slots / 2) * WORD_BYTES);
    bytes += row.words + ends + roomFor(slots * SLOT_WORDS * WORD_BYTES) + roomFor(values);
  }
  return bytes;
}

const roomFor = (bytes: number): number => Math.ceil((bytes + SPARE_BYTES) / ALIGNMENT) * ALIGNMENT;
