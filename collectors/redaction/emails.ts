import {
  at,
  escapeLength,
  type Found,
  hasAt,
  isAfterPercent,
  isAlphanumeric,
  isDigit,
  isLetter,
  percentAt,
  type Text,
  type Trigger,
} from "./text.ts";

/** Longest local part and domain (RFC 5321), percent-encoded. */
const LOCAL_BYTES_MAX = 64 * 3;
const DOMAIN_BYTES_MAX = 255;
const AT = 0x40;
const DOT = 0x2e;
const MINUS = 0x2d;
const BACKSLASH = 0x5c;
const LOCAL_SPECIAL = new Set(Buffer.from("._%+-'!#$*^`{|}~"));
/** These separate an address from what is before it in a URL; percent-encoded they do too. */
const SEPARATORS = new Set(Buffer.from("=?&/:;,<>()[]\"\\ '"));
/** What follows an @ in names of files and units, instead of a top-level domain. */
const NO_DOMAINS = new Set(
  "png jpg jpeg gif svg webp avif ico css js mjs map json html webm mp4 woff woff2 service socket timer target mount automount slice scope swap device path".split(
    " ",
  ),
);

export const EMAIL_TRIGGERS: readonly Trigger[] = [{ bytes: "@%" }];

/** An e-mail address whose @, which may be percent-encoded once or twice, is at this place. */
export function findEmail(text: Text, sign: number): Found | undefined {
  const signEnd = endOfSign(text, sign);
  if (signEnd < 0) return undefined;
  const to = endOfDomain(text, signEnd);
  if (to < 0) return undefined;
  const from = startOfLocal(text, sign);
  if (from >= sign || isRemote(text, from, to)) return undefined;
  return { from, to };
}

function endOfSign(text: Text, sign: number): number {
  if (at(text, sign) === AT) return sign + 1;
  if (percentAt(text, sign) === AT) return sign + 3;
  return hasAt(text, sign, "%2540") ? sign + 5 : -1;
}

function startOfLocal(text: Text, sign: number): number {
  const first = Math.max(text.start, sign - LOCAL_BYTES_MAX);
  let from = sign;
  while (from > first && isLocal(text.bytes[from - 1]!)) {
    if (isAfterPercent(text, from) && SEPARATORS.has(percentAt(text, from - 3) ?? 0)) break;
    from -= 1;
  }
  if (at(text, from - 1) === BACKSLASH) from += Math.max(0, escapeLength(text, from - 1) - 1);
  while (from < sign && (text.bytes[from] === DOT || text.bytes[from] === 0x27)) from += 1;
  return from;
}

/** Other than ASCII: SMTPUTF8. */
const isLocal = (byte: number): boolean =>
  isAlphanumeric(byte) || LOCAL_SPECIAL.has(byte) || byte >= 0x80;

/** The end of a domain of at least two labels, the last of which is a possible top-level domain; -1 if there is none. */
function endOfDomain(text: Text, start: number): number {
  const last = Math.min(text.end, start + DOMAIN_BYTES_MAX);
  let end = -1;
  let label = start;
  for (let i = start; i <= last; i += 1) {
    const byte = at(text, i);
    if (i < last && (isAlphanumeric(byte) || byte === MINUS || (byte ?? 0) >= 0x80)) continue;
    if (i === label) break;
    if (label > start && isTopLevel(text, label, i)) end = i;
    if (byte !== DOT) break;
    label = i + 1;
  }
  return end;
}

function isTopLevel(text: Text, from: number, to: number): boolean {
  if (to - from < 2 || isDigit(at(text, from))) return false;
  if (!isLetter(at(text, from)) && (at(text, from) ?? 0) < 0x80) return false;
  const name = Buffer.from(text.bytes.subarray(from, to)).toString("latin1").toLowerCase();
  return !NO_DOMAINS.has(name) && (name.startsWith("xn--") || !/[\d]/.test(name));
}

/** `git@github.com:owner/repository` is an address of a repository. */
const isRemote = (text: Text, from: number, to: number): boolean =>
  hasAt(text, from, "git@") && at(text, to) === 0x3a && !isDigit(at(text, to + 1));
