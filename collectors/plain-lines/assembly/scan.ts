import {
  ADDRESS,
  BODY_BYTES,
  DATASET,
  DATASET_NAMES,
  EARLIEST_MS,
  HEAD_BYTES,
  IDS,
  LATEST_MS,
  LAYOUTS,
  LINES,
  LINE_BYTES,
  LINE_LENGTHS,
  LINE_STARTS,
  METHOD,
  NEEDS_TAIL,
  OFFSETS,
  OFFSET_BASE,
  REFERRER,
  ROWS,
  ROWS_MAX,
  STATUSES,
  TAIL,
  TAILED_LINE,
  TAIL_END,
  TIMES,
  URL,
  USER,
  USER_AGENT,
  VERSION,
} from "../layout";
import { NONE, find, move } from "./bytes";
import { hashOf, intern, readSlot, readValue } from "./dictionary";
import { parse } from "./parse";
import * as record from "./record";

export { forgetDay } from "./time";
export { splitUrls } from "./urls";

/** The lines that are parsed before their values are looked up: not many, so that they stay in the processor's cache. */
const RECORDS: usize = 512;
const RECORDS_MAX: u32 = 16;

const LF: i32 = 0x0a;
const CR: i32 = 0x0d;
const VERSION_BYTES: u32 = 3;

/**
 * Reads the plain lines at the beginning of [from, to) into the columns, from the open row on, and moves their bytes to the end
 * of the lines that were read before. Stops after a line with a tail, before any other line, and where a column is full.
 * Returns the address of the line that follows.
 */
export function scan(from: usize, to: usize): usize {
  store<u32>(TAIL, 0);
  let start = from;
  while (true) {
    const room = load<u32>(ROWS_MAX) - load<u32>(ROWS);
    const count = parseLines(start, to, min(room, RECORDS_MAX));
    readValues(count);
    for (let i: u32 = 0; i < count; i += 1) {
      const at = recordAt(i);
      if (!write(at)) return load<u32>(at + record.LINE);
      start = <usize>load<u32>(at + record.LINE_END) + 1;
    }
    if (count < RECORDS_MAX || load<u32>(TAIL) != 0) return start;
  }
}

/**
 * Parses plain lines at the beginning of [from, to) into records, at most up to one with a tail, and returns their number.
 * Their values are looked up together afterwards: memory is read for several lines at once, which takes as long as for one.
 */
function parseLines(from: usize, to: usize, countMax: u32): u32 {
  const earliestMs = load<f64>(EARLIEST_MS);
  const latestMs = load<f64>(LATEST_MS);
  const needsTail = load<u32>(NEEDS_TAIL) != 0;
  let count: u32 = 0;
  let at: usize = RECORDS;
  for (let start = from; start < to && count < countMax;) {
    const lineEnd = find(LF, start, to);
    if (lineEnd == NONE) break;
    if (lineEnd == start) {
      start += 1;
      continue;
    }
    const end = load<u8>(lineEnd - 1) == CR ? lineEnd - 1 : lineEnd;
    if (!parse(at, start, end)) break;
    // With a CR, a line is not what its fields give back.
    if (end != lineEnd) store<u32>(at + record.LAYOUT, 0);
    const ms = load<f64>(at + record.MS);
    if (!(ms <= latestMs && ms >= earliestMs)) break;
    const hasTail = load<u32>(at + record.TAIL_AT) != 0;
    if (needsTail && !hasTail) break;
    store<u32>(at + record.LINE_END, <u32>lineEnd);
    let ahead = readSlot(ADDRESS, load<u32>(at + record.ADDRESS_HASH));
    ahead += readSlot(URL, load<u32>(at + record.URL_HASH));
    ahead += readSlot(REFERRER, load<u32>(at + record.REFERRER_HASH));
    ahead += readSlot(USER_AGENT, load<u32>(at + record.USER_AGENT_HASH));
    store<u32>(at + record.AHEAD, ahead);
    start = lineEnd + 1;
    count += 1;
    if (hasTail) break;
    at += record.RECORD_BYTES;
  }
  return count;
}

/** Reads the values that the records lead to, so that `write` finds them in the processor's cache. */
function readValues(count: u32): void {
  let ahead: u32 = 0;
  for (let i: u32 = 0; i < count; i += 1) {
    const at = recordAt(i);
    ahead += readValue(ADDRESS, load<u32>(at + record.ADDRESS_HASH));
    ahead += readValue(URL, load<u32>(at + record.URL_HASH));
    ahead += readValue(REFERRER, load<u32>(at + record.REFERRER_HASH));
    ahead += readValue(USER_AGENT, load<u32>(at + record.USER_AGENT_HASH));
  }
  // Stored, so that no compiler removes the loop.
  store<u32>(RECORDS + record.AHEAD, ahead);
}

function recordAt(i: u32): usize {
  return RECORDS + <usize>i * record.RECORD_BYTES;
}

/** Writes the record into the open row; false, with nothing written, if a column is full. */
function write(at: usize): bool {
  const row = load<u32>(ROWS);
  const line: usize = load<u32>(at + record.LINE);
  let isFull = putField(ADDRESS, row, at + record.ADDRESS_AT);
  isFull |= putField(URL, row, at + record.URL_AT);
  isFull |= putField(REFERRER, row, at + record.REFERRER_AT);
  isFull |= putField(USER_AGENT, row, at + record.USER_AGENT_AT);
  const method = load<u32>(at + record.METHOD_AT);
  isFull |= putHashed(METHOD, row, method, load<u32>(at + record.METHOD_LENGTH));
  isFull |= putHashed(VERSION, row, load<u32>(at + record.VERSION_AT), VERSION_BYTES);
  const user = load<u32>(at + record.USER_LENGTH);
  if (user > 0) isFull |= putHashed(USER, row, load<u32>(at + record.USER_AT), user);
  if (isFull != 0) {
    clear(row);
    return false;
  }
  putNumber(TIMES, row, load<f64>(at + record.MS));
  putNumber(STATUSES, row, load<f64>(at + record.STATUS));
  putNumber(BODY_BYTES, row, load<f64>(at + record.SIZE_SENT));
  putNumber(OFFSETS, row, <f64>line + load<f64>(OFFSET_BASE));
  putWord(DATASET_NAMES + IDS, row, load<u32>(DATASET));
  putWord(LAYOUTS + IDS, row, load<u32>(at + record.LAYOUT));
  const used = load<u32>(LINE_BYTES);
  const length = load<u32>(at + record.LINE_END) - <u32>line;
  move(<usize>load<u32>(LINES) + used, line, length);
  putWord(LINE_STARTS, row, used);
  putWord(LINE_LENGTHS, row, length);
  store<u32>(LINE_BYTES, used + length);
  store<u32>(ROWS, row + 1);
  const tail = load<u32>(at + record.TAIL_AT);
  if (tail != 0) {
    store<u32>(TAILED_LINE, <u32>line);
    store<u32>(TAIL, tail);
    store<u32>(TAIL_END, load<u32>(at + record.END));
  }
  return true;
}

function put(column: usize, row: u32, hash: u32, from: usize, length: u32): u32 {
  const id = intern(column, hash, from, length);
  putWord(column + IDS, row, id);
  return <u32>(id == 0);
}

/** A field of the record; nothing if it is empty. */
function putField(column: usize, row: u32, field: usize): u32 {
  const length = load<u32>(field + record.LENGTH_OF_FIELD);
  if (length == 0) return 0;
  return put(column, row, load<u32>(field + record.HASH_OF_FIELD), load<u32>(field), length);
}

function putHashed(column: usize, row: u32, from: usize, length: u32): u32 {
  return put(column, row, hashOf(from, length), from, length);
}

/** `column`: where the address of the column's values is. */
function putWord(column: usize, row: u32, value: u32): void {
  store<u32>(<usize>load<u32>(column) + ((<usize>row) << 2), value);
}

function putNumber(column: usize, row: u32, value: f64): void {
  store<f64>(<usize>load<u32>(column) + ((<usize>row) << 3), value);
}

function clear(row: u32): void {
  for (let column = ADDRESS; column <= USER_AGENT; column += HEAD_BYTES)
    putWord(column + IDS, row, 0);
}
