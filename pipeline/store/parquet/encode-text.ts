import { LIST_SEPARATOR } from "#collectors/fields.ts";

import { ByteWriter } from "./byte-writer.ts";
import { type Chunk, ENCODING, type Page, type TextData } from "./column.ts";
import { bitWidth, writeHybrid, writeRun } from "./hybrid.ts";
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
  const { used, indices, levels, count } = usedValues(column, from, to);
  const isPlain = used.length > DISTINCT_MIN_FOR_PLAIN && used.length > count * DISTINCT_SHARE_MAX;
  const rows = to - from;
  const nulls = rows - count;
  if (isPlain || count === 0) {
    return { pages: plainPages(column, { used, indices, levels, count }), values: rows, nulls };
  }
  const page = takePage();
  writeLevels(page, levels, rows, 1);
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
  let total = 0;
  for (let row = from; row < to; row += 1) {
    const id = column.ids[row]!;
    total += id === 0 ? 1 : starts[id]! - starts[id - 1]!;
  }
  const repetitions = takeRepetitions(total);
  const levels = takeLevels(total);
  const indices = takeIndices(total);
  let at = 0;
  let count = 0;
  for (let row = from; row < to; row += 1) {
    const id = column.ids[row]!;
    if (id === 0) {
      repetitions[at] = 0;
      levels[at] = 0;
      at += 1;
    } else {
      const first = starts[id - 1]!;
      for (let i = first; i < starts[id]!; i += 1, at += 1, count += 1) {
        repetitions[at] = i === first ? 0 : 1;
        levels[at] = 2;
        indices[count] = lists[i]!;
      }
    }
  }
  const page = takePage();
  writeLevels(page, repetitions, total, 1);
  writeLevels(page, levels, total, 2);
  writeIndices(page, indices, count, elements.size);
  const used = Uint32Array.from({ length: elements.size }, (_, i) => i + 1);
  const pages = [dictionaryPage(elements, used), dataPage(page.done(), total, ENCODING.dictionary)];
  return { pages, values: total, nulls: total - count };
}

type UsedValues = { used: Uint32Array; indices: Uint32Array; levels: Uint32Array; count: number };

/** Numbers the dictionary values that the rows use, in order of first use. */
function usedValues(column: TextData, from: number, to: number): UsedValues {
  const ids = column.ids.subarray(from, to);
  const numbers = takeNumbers(column.size + 1).fill(0);
  const used = takeUsed(Math.min(column.size, ids.length));
  const indices = takeIndices(ids.length);
  const levels = takeLevels(ids.length);
  let size = 0;
  let count = 0;
  for (let row = 0; row < ids.length; row += 1) {
    const id = ids[row]!;
    if (id === 0) {
      levels[row] = 0;
      continue;
    }
    let number = numbers[id]!;
    if (number === 0) {
      used[size] = id;
      size += 1;
      number = size;
      numbers[id] = number;
    }
    levels[row] = 1;
    indices[count] = number - 1;
    count += 1;
  }
  return { used: used.subarray(0, size), indices, levels, count };
}

function dictionaryPage(column: TextData, used: Uint32Array): Page {
  const page = takeDictionary();
  for (let i = 0; i < used.length; i += 1) putValue(page, column, used[i]!);
  return {
    isDictionary: true,
    values: used.length,
    encoding: ENCODING.plain,
    bytes: page.done(),
  };
}

function plainPages(column: TextData, values: UsedValues): Page[] {
  const { used, indices, levels } = values;
  const pages: Page[] = [];
  const rows = levels.length;
  let index = 0;
  for (let row = 0; row < rows;) {
    const body = new ByteWriter(PAGE_BYTES + 4096);
    const first = row;
    for (; row < rows && body.length < PAGE_BYTES; row += 1) {
      if (levels[row] === 0) continue;
      putValue(body, column, used[indices[index]!]!);
      index += 1;
    }
    const page = new ByteWriter(body.length + 1024);
    writeLevels(page, levels.subarray(first, row), row - first, 1);
    page.put(body.done());
    pages.push(dataPage(page.done(), row - first, ENCODING.plain));
  }
  return pages;
}

const SHORT_BYTES = 64;

function putValue(out: ByteWriter, column: TextData, id: number): void {
  const start = column.ends[id - 1]!;
  const end = column.ends[id]!;
  const target = out.room(end - start + 4);
  let at = target.writeUInt32LE(end - start, out.length);
  const source = column.bytes;
  if (end - start <= SHORT_BYTES) {
    for (let i = start; i < end; i += 1, at += 1) target[at] = source[i]!;
  } else {
    target.set(source.subarray(start, end), at);
    at += end - start;
  }
  out.length = at;
}

function dataPage(bytes: Buffer, values: number, encoding: number): Page {
  return { isDictionary: false, values, encoding, bytes };
}

/** Definition or repetition levels, with the length before them. */
export function writeLevels(
  out: ByteWriter,
  levels: Uint32Array,
  count: number,
  width: number,
): void {
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
