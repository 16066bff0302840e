const [QUOTE, BACKSLASH, COMMA, SPACE] = [0x22, 0x5c, 0x2c, 0x20];
const [OPEN, CLOSE, CLOSE_LIST] = [0x7b, 0x7d, 0x5d];
const FIRST_LETTER = 0x52;
/** Spaces and tabs may be anywhere between the parts. */
const BEGINNING = /^\{[ \t]{0,8}"Records"[ \t]{0,8}:[ \t]{0,8}\[/;
const BEGINNING_MAX = 64;

type Range = { start: number; end: number };

/**
 * The records in [start, end) if that is an object with records, as CloudTrail writes its files: `{"Records":[{…},{…}]}`.
 * Each of them is an event, and so a line of its own. What is no complete object is the last range, so that no byte of it
 * is lost. Undefined for other lines. Takes time linear in the length of the line.
 */
export function recordsIn(bytes: Uint8Array, start: number, end: number): Range[] | undefined {
  if (bytes[start] !== OPEN || !mayBegin(bytes, start)) return undefined;
  const head = Buffer.from(bytes.subarray(start, Math.min(end, start + BEGINNING_MAX)));
  const begin = BEGINNING.exec(head.toString("latin1"));
  if (!begin) return undefined;
  const records: Range[] = [];
  for (let at = start + begin[0].length; at < end;) {
    const byte = bytes[at] ?? 0;
    if (byte === COMMA || byte <= SPACE) at += 1;
    else if (byte === CLOSE_LIST && isClosed(bytes, at + 1, end)) break;
    else {
      const next = byte === OPEN ? objectEnd(bytes, at, end) : end;
      records.push({ start: at, end: next });
      at = next;
    }
  }
  return records;
}

const mayBegin = (bytes: Uint8Array, start: number): boolean =>
  (bytes[start + 1] ?? 0) <= SPACE ||
  (bytes[start + 1] === QUOTE && bytes[start + 2] === FIRST_LETTER);

/** Whether the object of the records ends here. */
function isClosed(bytes: Uint8Array, from: number, end: number): boolean {
  let at = from;
  while (at < end && (bytes[at] ?? 0) <= SPACE) at += 1;
  if (bytes[at] !== CLOSE) return false;
  for (at += 1; at < end; at += 1) if ((bytes[at] ?? 0) > SPACE) return false;
  return true;
}

/** The position after the object that begins here; `end` if it is not complete. */
function objectEnd(bytes: Uint8Array, from: number, end: number): number {
  let depth = 0;
  let isString = false;
  for (let at = from; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (isString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isString = false;
    } else if (byte === QUOTE) isString = true;
    else if (byte === OPEN) depth += 1;
    else if (byte === CLOSE) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return end;
}
