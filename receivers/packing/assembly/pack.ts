import {
  ACTION,
  ACTION_BYTES,
  DOCUMENTS,
  DOCUMENTS_MAX,
  ENTRIES,
  ENTRY_AT,
  ENTRY_BIT,
  ENTRY_BYTES,
  ENTRY_CODE,
  ENTRY_LENGTH,
  ENTRY_MEANING,
  ENTRY_NEXT,
  ENTRY_SCOPE,
  HASH_HIGH,
  HASH_LOW,
  HEADS,
  KIND_OF,
  KINDS,
  KINDS_MAX,
  MEMBERS,
  MEMBERS_BYTES,
  MESSAGE_BYTES_MAX,
  MESSAGES_BYTES,
  OUTPUT,
  RESULT_BYTES,
  RESULT_COUNT,
  RESULT_DOCUMENT_BYTES,
  RESULT_FIRST,
  RESULT_FIRST_BYTES,
  RESULT_MEANING,
  RESULT_MEMBERS_END,
  RESULT_MESSAGES_END,
  RESULT_PARTS,
} from "../layout";
import { copy, isEqual } from "./blocks";
import { add, outputOf, resultOf } from "./kinds";
import {
  CODES,
  CODES_MAX,
  LOG_7,
  LOG_BIT,
  LOG_LENGTH,
  MEMBERS_SPARE,
  MESSAGE_8,
  MESSAGE_BIT,
  MESSAGE_LENGTH,
  MESSAGE_REST,
  OFFSET_8,
  OFFSET_BIT,
  OFFSET_LENGTH,
  TIME_8,
  TIME_BIT,
  TIME_LENGTH,
  TIME_REST,
} from "./own";
import { forgetValues, readDigits, readTime, writeValues } from "./values";

export { addToChecksum, beginChecksum } from "./checksum";

const LF: u8 = 0x0a;
const QUOTE: u8 = 0x22;
const COMMA: u8 = 0x2c;
const BACKSLASH: u8 = 0x5c;
const OPEN: u8 = 0x7b;
const CLOSE: u8 = 0x7d;
const TOP: u32 = 0;
const LOG: u32 = 1;
/** Returned instead of an address. */
const NONE: usize = 0;

const NEEDED_BITS: u32 = TIME_BIT | MESSAGE_BIT;

// What was found of the document that is read.
let codes: usize = 0;
let names: u32 = 0;
let meaning: u64 = 0;
let firstParts: u64 = 0;
let otherParts: u64 = 0;
/** Where its message is written, and the number of its bytes. */
let messageAt: usize = 0;
let messageBytes: usize = 0;
/** The number of kinds, and that of the document before. */
let kinds: u32 = 0;
let last: u32 = 0;

/**
 * Packs the items at the beginning of [from, to): the action of the table and a document of its parts in each. Documents whose parts
 * have the same meaning are of one kind. Returns the address of the first item that is different, not complete, or does not fit
 * into the output.
 */
export function scan(table: usize, from: usize, to: usize): usize {
  let documents: usize = 0;
  let at = from;
  const actionBytes: usize = load<u32>(table + ACTION_BYTES);
  kinds = 0;
  last = 0;
  while (documents < <usize>DOCUMENTS_MAX) {
    if (at + actionBytes >= to) break;
    // Lines that are no items of a bulk request have none; others are longer than 8 bytes.
    if (actionBytes > 0 && !isEqual(at, table + ACTION, actionBytes)) break;
    const document = at + actionBytes;
    // Mostly documents of a kind follow each other, so that their messages need not be moved.
    messageAt = kinds == 0 ? OUTPUT : load<u32>(resultOf(last) + RESULT_MESSAGES_END);
    const end = read(table, document, to);
    if (end == NONE || end >= to || load<u8>(end) != LF || !write(document, end)) break;
    store<u8>(<usize>KIND_OF + documents, <u8>last);
    documents += 1;
    at = end + 1;
  }
  store<u32>(DOCUMENTS, <u32>documents);
  store<u32>(KINDS, kinds);
  return at;
}

/** Reads a document, and returns the address after it; NONE if it cannot be packed. */
function read(table: usize, from: usize, to: usize): usize {
  codes = 0;
  forgetValues();
  names = 0;
  meaning = 0;
  firstParts = 0;
  otherParts = 0;
  let scope = TOP;
  if (load<u8>(from) != OPEN) return NONE;
  let at = from + 1;
  while (at < to && codes < CODES_MAX) {
    const next = scope == TOP ? readMember(table, at, to) : readLogMember(table, at, to);
    if (next == NONE) return NONE;
    if (load<u8>(next - 1) == OPEN) {
      scope = LOG;
      at = next;
      continue;
    }
    let after = load<u8>(next);
    at = next + 1;
    if (after == CLOSE && scope == LOG) {
      addCode(0x45);
      scope = TOP;
      after = load<u8>(at);
      at += 1;
    }
    if (after == CLOSE) return (names & NEEDED_BITS) == NEEDED_BITS ? at : NONE;
    if (after != COMMA) return NONE;
  }
  return NONE;
}

function readMember(table: usize, at: usize, to: usize): usize {
  const first = load<u64>(at);
  if (first == MESSAGE_8 && (load<u32>(at + 8) & 0xffffff) == MESSAGE_REST) {
    if (!addName(MESSAGE_BIT)) return NONE;
    addCode(0x4d);
    return readMessage(at + MESSAGE_LENGTH, to);
  }
  if (first == TIME_8 && (load<u64>(at + 8) & 0xffffffffffff) == TIME_REST) {
    if (!addName(TIME_BIT)) return NONE;
    addCode(0x54);
    return readTime(at + TIME_LENGTH, to);
  }
  if ((first & 0xffffffffffffff) == LOG_7) {
    if (!addName(LOG_BIT)) return NONE;
    addCode(0x4c);
    return at + LOG_LENGTH;
  }
  return readPart(table, TOP, at);
}

function readLogMember(table: usize, at: usize, to: usize): usize {
  if (load<u64>(at) == OFFSET_8 && load<u8>(at + 8) == 0x3a) {
    if (!addName(OFFSET_BIT)) return NONE;
    addCode(0x4f);
    return readDigits(at + OFFSET_LENGTH);
  }
  return readPart(table, LOG, at);
}

function readPart(table: usize, scope: u32, at: usize): usize {
  const hash = (load<u32>(at) * <u32>HASH_LOW) ^ (load<u32>(at + 4) * <u32>HASH_HIGH);
  let index = load<u32>(table + HEADS + ((<usize>(hash >> 24)) << 2));
  while (index != 0) {
    const entry = table + ENTRIES + <usize>(index - 1) * ENTRY_BYTES;
    const length: usize = load<u32>(entry + ENTRY_LENGTH);
    const isHere = load<u32>(entry + ENTRY_SCOPE) == scope;
    if (isHere && isEqual(at, load<u32>(entry + ENTRY_AT), length)) {
      if (!addName(load<u32>(entry + ENTRY_BIT))) return NONE;
      meaning += load<u64>(entry + ENTRY_MEANING);
      if (index <= 64) firstParts |= (<u64>1) << (index - 1);
      else otherParts |= (<u64>1) << (index - 65);
      addCode(load<u32>(entry + ENTRY_CODE));
      return at + length;
    }
    index = load<u32>(entry + ENTRY_NEXT);
  }
  return NONE;
}

/** Whether the document had no member of this name before. */
function addName(bit: u32): bool {
  const isNew = (names & bit) == 0;
  names |= bit;
  return isNew;
}

function addCode(code: u32): void {
  store<u8>(CODES + codes, <u8>code);
  codes += 1;
}

/** `from`: after the opening quote. Writes the message without escapes, and returns the address after the closing quote. */
function readMessage(from: usize, to: usize): usize {
  const quotes = i8x16.splat(<i8>QUOTE);
  const backslashes = i8x16.splat(<i8>BACKSLASH);
  // Of control characters and non-ASCII bytes, as they are negative.
  const spaces = i8x16.splat(0x20);
  let out = messageAt;
  let at = from;
  const limit = messageAt + MESSAGE_BYTES_MAX;
  while (at < to && out < limit) {
    const block = v128.load(at);
    v128.store(out, block);
    const found = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(block, quotes), i8x16.eq(block, backslashes)),
        i8x16.lt_s(block, spaces),
      ),
    );
    if (found == 0) {
      at += 16;
      out += 16;
      continue;
    }
    const count = <usize>ctz(found);
    at += count;
    out += count;
    const byte = load<u8>(at);
    if (byte == QUOTE) {
      messageBytes = out - messageAt;
      return messageBytes == 0 ? NONE : at + 1;
    }
    if (byte != BACKSLASH) return NONE;
    const escaped = load<u8>(at + 1);
    if (escaped != QUOTE && escaped != BACKSLASH) return NONE;
    store<u8>(out, escaped);
    at += 2;
    out += 1;
  }
  return NONE;
}

/** Adds the document that was read, which is in [from, to), to the output of its kind. False if there is no room for it. */
function write(from: usize, to: usize): bool {
  const kind = kindOf(from, to);
  if (kind == KINDS_MAX) return false;
  const result = resultOf(kind);
  const output = outputOf(kind);
  let out: usize = load<u32>(result + RESULT_MESSAGES_END);
  let members: usize = load<u32>(result + RESULT_MEMBERS_END);
  if (out + messageBytes >= output + MESSAGES_BYTES) return false;
  if (members + MEMBERS_SPARE > output + MEMBERS + MEMBERS_BYTES) return false;
  if (out != messageAt) copy(out, messageAt, messageBytes);
  out += messageBytes;
  store<u8>(out, LF);
  copy(members, CODES, codes);
  members += codes;
  members = writeValues(members);
  store<u8>(members, LF);
  store<u32>(result + RESULT_MESSAGES_END, <u32>out + 1);
  store<u32>(result + RESULT_MEMBERS_END, <u32>members + 1);
  store<u64>(result + RESULT_PARTS, load<u64>(result + RESULT_PARTS) | firstParts);
  store<u64>(result + RESULT_PARTS + 8, load<u64>(result + RESULT_PARTS + 8) | otherParts);
  add(result + RESULT_COUNT, 1);
  add(result + RESULT_DOCUMENT_BYTES, <u32>(to - from));
  last = kind;
  return true;
}

/** The kind of the document that was read; KINDS_MAX if there are too many. */
function kindOf(from: usize, to: usize): u32 {
  if (kinds > 0 && load<u64>(resultOf(last) + RESULT_MEANING) == meaning) return last;
  for (let kind: u32 = 0; kind < kinds; kind += 1) {
    if (load<u64>(resultOf(kind) + RESULT_MEANING) == meaning) return kind;
  }
  if (kinds == KINDS_MAX) return KINDS_MAX;
  const result = resultOf(kinds);
  memory.fill(result, 0, RESULT_BYTES);
  store<u64>(result + RESULT_MEANING, meaning);
  store<u32>(result + RESULT_MESSAGES_END, <u32>outputOf(kinds));
  store<u32>(result + RESULT_MEMBERS_END, <u32>(outputOf(kinds) + MEMBERS));
  store<u32>(result + RESULT_FIRST, <u32>from);
  store<u32>(result + RESULT_FIRST_BYTES, <u32>(to - from));
  kinds += 1;
  return kinds - 1;
}
