import { ENDS, PATH, PATH_OF_URL, QUERY, QUERY_OF_URL, URL, VALUES } from "../layout";
import { NONE } from "./bytes";
import { hashOf, intern } from "./dictionary";

const SLASH: u8 = 0x2f;
const QUESTION_MARK: i8 = 0x3f;
const PERCENT: i8 = 0x25;
const HASH: i8 = 0x23;

/**
 * Splits the URLs with the numbers [first, last] into paths and queries, up to one that needs more than that: one that is no
 * path, has escapes or a fragment, or does not fit. Returns its number, or that after the last one.
 */
export function splitUrls(first: u32, last: u32): u32 {
  const ends: usize = load<u32>(URL + ENDS);
  const values: usize = load<u32>(URL + VALUES);
  const pathOf: usize = load<u32>(PATH_OF_URL);
  const queryOf: usize = load<u32>(QUERY_OF_URL);
  for (let id = first; id <= last; id += 1) {
    const at = (<usize>id) << 2;
    const start = values + load<u32>(ends + at - 4);
    const end = values + load<u32>(ends + at);
    const pathEnd = pathEndOf(start, end);
    if (pathEnd == NONE) return id;
    const path = internRange(PATH, start, pathEnd);
    const query = pathEnd + 1 < end ? internRange(QUERY, pathEnd + 1, end) : 0;
    if (path == 0 || (query == 0 && pathEnd + 1 < end)) return id;
    store<u32>(pathOf + at, path);
    store<u32>(queryOf + at, query);
  }
  return last + 1;
}

function internRange(column: usize, from: usize, to: usize): u32 {
  const length = <u32>(to - from);
  return intern(column, hashOf(from, length), from, length);
}

/** The question mark, or the end if there is none. */
function pathEndOf(start: usize, end: usize): usize {
  if (start == end || load<u8>(start) != SLASH) return NONE;
  const marks = i8x16.splat(QUESTION_MARK);
  const percents = i8x16.splat(PERCENT);
  const hashes = i8x16.splat(HASH);
  let pathEnd = end;
  for (let at = start; at < end; at += 16) {
    const block = v128.load(at);
    const escapes = v128.or(i8x16.eq(block, percents), i8x16.eq(block, hashes));
    const escape = i8x16.bitmask(escapes);
    if (escape != 0 && at + <usize>ctz(escape) < end) return NONE;
    const mark = i8x16.bitmask(i8x16.eq(block, marks));
    if (mark != 0 && pathEnd == end) pathEnd = min(end, at + <usize>ctz(mark));
  }
  return pathEnd;
}
