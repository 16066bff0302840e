import { LIST_SEPARATOR } from "#collectors/fields.ts";

import { ByteWriter } from "./byte-writer.ts";
import { type Chunk, ENCODING, type Page, type TextData } from "./column.ts";
import { allEqual, bitWidth, writeHybrid, writePresence, writeRun } from "./hybrid.ts";
import { reusedWords, reusedWriter } from "./scratch.ts";

/** A dictionary costs readers one look-up per row, and saves space if values repeat. */
const DISTINCT_SHARE_MAX = 0.6;
const DISTINCT_MIN_FOR_PLAIN = 256;
export const PAGE_BYTES = 1024 * 1024;

const takeNumbers = reusedWords();
const takeUsed = reusedWords();
const takeIndices = reusedWords();
const takeLevels = reusedWords();
const takeRepetitions = reusedWords();
const takeDictionary = reusedWriter(256 * 1024);
const takePage = reusedWriter(256 * 1024);

/** Rows [from, to) of a text column. The pages are valid until the next column is encoded. */
export function encodeText(column: TextData, from: number, to: number): Chunk {
  const ids = column.ids.subarray(from, to);
  const { used, indices, count } =
    ids.length === column.ids.length && column.size <= ids.length
      ? allValues(column)
      : usedValues(column, ids);
  const isPlain = used.length > DISTINCT_MIN_FOR_PLAIN && used.length > count * DISTINCT_SHARE_MAX;
  const rows = ids.length;
  const nulls = rows - count;
  if (isPlain || count === 0) {
    return { pages: plainPages(column, ids), values: rows, nulls };
  }
  const page = takePage();
  writePresence(page, ids, nulls);
  writeIndices(page, indices, count, used.length);
  const pages = [dictionaryPage(column, used), dataPage(page.done(), rows, ENCODING.dictionary)];
  return { pages, values: rows, nulls };
}

/**
 * Rows [from, to) of a column of lists: values are split at LIST_SEPARATOR. The pages are valid until the next column is
 * encoded.
 */
export function encodeTexts(column: TextData, from: number, to: number): Chunk {
  const { elements, starts, lists } = splitLists(column);
  const ids = column.ids.subarray(from, to);
  let total = 0;
  for (let row = 0; row < ids.length; row += 1) {
    const id = ids[row]!;
    total += id === 0 ? 1 : starts[id]! - starts[id - 1]!;
  }
  const repetitions = takeRepetitions(total);
  const levels = takeLevels(total);
  const indices = takeIndices(total);
  let count = 0;
  if (total === ids.length && allEqual(ids, total)) {
    // Usually all rows have the same single element.
    const [id = 0] = ids;
    repetitions.fill(0);
    levels.fill(id === 0 ? 0 : 2);
    indices.fill(id === 0 ? 0 : lists[starts[id - 1]!]!);
    count = id === 0 ? 0 : total;
  } else {
    count = putElements({ starts, lists, ids }, { repetitions, levels, indices });
  }
  const page = takePage();
  writeLevels(page, repetitions, total, 1);
  writeLevels(page, levels, total, 2);
  writeIndices(page, indices, count, elements.size);
  const used = Uint32Array.from({ length: elements.size }, (_, i) => i + 1);
  const pages = [dictionaryPage(elements, used), dataPage(page.done(), total, ENCODING.dictionary)];
  return { pages, values: total, nulls: total - count };
}

type Rows = Pick<SplitLists, "starts" | "lists"> & { ids: Uint32Array };
type Elements = { repetitions: Uint32Array; levels: Uint32Array; indices: Uint32Array };

/** Writes the levels of all elements, and the numbers of those that are not null; returns how many these are. */
function putElements({ starts, lists, ids }: Rows, to: Elements): number {
  const { repetitions, levels, indices } = to;
  let at = 0;
  let count = 0;
  for (let row = 0; row < ids.length; row += 1) {
    const id = ids[row]!;
    if (id === 0) {
      repetitions[at] = 0;
      levels[at] = 0;
      at += 1;
      continue;
    }
    const first = starts[id - 1]!;
    for (let i = first; i < starts[id]!; i += 1, at += 1, count += 1) {
      repetitions[at] = i === first ? 0 : 1;
      levels[at] = 2;
      indices[count] = lists[i]!;
    }
  }
  return count;
}

/** The dictionary values that rows use, and for each row that is not null its number in `used`. */
type UsedValues = { used: Uint32Array; indices: Uint32Array; count: number };

/** Those of all rows, with the numbers of the column's dictionary. */
function allValues({ ids, size }: TextData): UsedValues {
  const used = takeUsed(size);
  for (let i = 0; i < size; i += 1) used[i] = i + 1;
  const indices = takeIndices(ids.length);
  let count = 0;
  for (let row = 0; row < ids.length; row += 1) {
    const id = ids[row]!;
    indices[count] = id - 1;
    count += id === 0 ? 0 : 1;
  }
  return { used, indices, count };
}

/** Numbers the dictionary values that the rows use, in order of first use. */
function usedValues(column: TextData, ids: Uint32Array): UsedValues {
  const numbers = takeNumbers(column.size + 1).fill(0);
  const used = takeUsed(Math.min(column.size, ids.length));
  const indices = takeIndices(ids.length);
  let size = 0;
  let count = 0;
  for (let row = 0; row < ids.length; row += 1) {
    const id = ids[row]!;
    if (id === 0) continue;
    let number = numbers[id]!;
    if (number === 0) {
      used[size] = id;
      size += 1;
      number = size;
      numbers[id] = number;
    }
    indices[count] = number - 1;
    count += 1;
  }
  return { used: used.subarray(0, size), indices, count };
}

function dictionaryPage(column: TextData, used: Uint32Array): Page {
  const page = takeDictionary();
  putValues(page, column, used);
  return {
    isDictionary: true,
    values: used.length,
    encoding: ENCODING.plain,
    bytes: page.done(),
  };
}

function plainPages(column: TextData, ids: Uint32Array): Page[] {
  const { ends } = column;
  const pages: Page[] = [];
  for (let row = 0; row < ids.length;) {
    const first = row;
    let nulls = 0;
    for (let bytes = 0; row < ids.length && bytes < PAGE_BYTES; row += 1) {
      const id = ids[row]!;
      if (id === 0) nulls += 1;
      else bytes += LENGTH_BYTES + ends[id]! - ends[id - 1]!;
    }
    const rows = ids.subarray(first, row);
    const page = new ByteWriter(PAGE_BYTES + PAGE_BYTES / 16);
    writePresence(page, rows, nulls);
    putValues(page, column, rows);
    pages.push(dataPage(page.done(), rows.length, ENCODING.plain));
  }
  return pages;
}

const LENGTH_BYTES = 4;
/** Copying four bytes at a time is faster than a call up to this length. */
const SHORT_BYTES = 256;

/** Writes the values with these numbers, each after its length. */
function putValues(out: ByteWriter, { bytes, ends }: TextData, ids: Uint32Array): void {
  let total = 0;
  for (let i = 0; i < ids.length; i += 1) {
    const id = ids[i]!;
    if (id !== 0) total += LENGTH_BYTES + ends[id]! - ends[id - 1]!;
  }
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const target = out.roomView(total);
  let at = out.length;
  for (let i = 0; i < ids.length; i += 1) {
    const id = ids[i]!;
    if (id === 0) continue;
    let from = ends[id - 1]!;
    const length = ends[id]! - from;
    target.setUint32(at, length, true);
    at += LENGTH_BYTES;
    const end = at + length;
    if (length > SHORT_BYTES) {
      out.room(0).set(bytes.subarray(from, from + length), at);
      at = end;
    }
    for (; at + 4 <= end; at += 4, from += 4)
      target.setInt32(at, source.getInt32(from, true), true);
    for (; at < end; at += 1, from += 1) target.setUint8(at, source.getUint8(from));
  }
  out.length = at;
}

function dataPage(bytes: Buffer, values: number, encoding: number): Page {
  return { isDictionary: false, values, encoding, bytes };
}

/** Definition or repetition levels, with the length before them. */
function writeLevels(out: ByteWriter, levels: Uint32Array, count: number, width: number): void {
  const lengthAt = out.length;
  out.u32(0);
  writeHybrid(out, levels, count, width);
  out.room(0).writeUInt32LE(out.length - lengthAt - 4, lengthAt);
}

function writeIndices(out: ByteWriter, indices: Uint32Array, count: number, size: number): void {
  const width = bitWidth(Math.max(size - 1, 1));
  out.u8(width);
  if (size === 1) writeRun(out, 0, count, width);
  else writeHybrid(out, indices, count, width);
}

type SplitLists = {
  elements: TextData;
  /** The elements of value `id` are lists[starts[id - 1]] … lists[starts[id] - 1]. */
  starts: Uint32Array;
  lists: number[];
};

function splitLists(column: TextData): SplitLists {
  const numbers = new Map<string, number>();
  const parts: Buffer[] = [];
  const lists: number[] = [];
  const starts = new Uint32Array(column.size + 1);
  for (let id = 1; id <= column.size; id += 1) {
    const value = Buffer.from(column.bytes.subarray(column.ends[id - 1], column.ends[id]));
    for (let start = 0; start <= value.length;) {
      const separator = value.indexOf(LIST_SEPARATOR, start);
      const end = separator < 0 ? value.length : separator;
      const element = value.subarray(start, end);
      const key = element.toString("latin1");
      let number = numbers.get(key);
      if (number === undefined) {
        number = parts.length;
        numbers.set(key, number);
        parts.push(element);
      }
      lists.push(number);
      start = end + 1;
    }
    starts[id] = lists.length;
  }
  const ends = new Uint32Array(parts.length + 1);
  for (const [i, part] of parts.entries()) ends[i + 1] = ends[i]! + part.length;
  const elements = { ...column, size: parts.length, bytes: Buffer.concat(parts), ends };
  return { elements, starts, lists };
}
