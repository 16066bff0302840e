import type { SecretKind } from "./kinds.ts";
import {
  AFTER_ESCAPE,
  at,
  endOf,
  type Found,
  hasAt,
  isAlphanumeric,
  isInWord,
  latin1,
  NO_WORD,
  startOfWord,
  type Text,
  type Trigger,
} from "./text.ts";

const AT = 0x40;
const COLON = 0x3a;
const SLASH = 0x2f;
const USER_INFO_BYTES_MAX = 256;
const TOKEN_BYTES_MIN = 16;
const BASIC_BYTES_MIN = 8;

export const USER_INFO_TRIGGERS: readonly Trigger[] = [{ bytes: "@" }];
export const BEARER_TRIGGERS: readonly Trigger[] = [{ bytes: "Bb", after: NO_WORD }, AFTER_ESCAPE];

/** The password in a URL, `scheme://user:password@host`, whose @ is at this place. */
export function findUserInfo(text: Text, sign: number): Found | undefined {
  if (at(text, sign) !== AT) return undefined;
  const first = Math.max(text.start, sign - USER_INFO_BYTES_MAX);
  let colon = -1;
  for (let i = sign - 1; i >= first; i -= 1) {
    const byte = text.bytes[i]!;
    if (byte === COLON) {
      if (at(text, i + 1) === SLASH) break;
      colon = i;
    } else if (byte === SLASH) {
      const isScheme = at(text, i - 1) === SLASH && at(text, i - 2) === COLON;
      const from = colon + 1;
      return isScheme && colon > 0 && from < sign && !hasAt(text, from, "[redacted:")
        ? { from, to: sign }
        : undefined;
    } else if (byte <= 0x20 || byte === 0x22 || byte === AT) break;
  }
  return undefined;
}

/** What follows `Bearer` or `Basic`, whose first letter is at this place, in an Authorization header. */
export function findBearer(text: Text, trigger: number): Found | undefined {
  const mark = startOfWord(text, trigger);
  if (((at(text, mark) ?? 0) | 0x20) !== 0x62) return undefined;
  const isBearer = isWordAt(text, mark, "earer");
  if ((!isBearer && !isWordAt(text, mark, "asic")) || isInWord(text, mark)) return undefined;
  let from = mark + (isBearer ? "Bearer" : "Basic").length;
  const gap = from;
  while (at(text, from) === 0x20 || at(text, from) === 0x2b) from += 1;
  if (hasAt(text, from, "%20")) from += 3;
  if (from === gap) return undefined;
  const to = endOf(text, from, isToken68);
  const value = latin1(text, from, to);
  return (isBearer ? isTokenLike(value) : isBasic(value)) ? { from, to } : undefined;
}

/** In lower or upper case. */
function isWordAt(text: Text, mark: number, rest: string): boolean {
  for (let k = 0; k < rest.length; k += 1) {
    if (((at(text, mark + 1 + k) ?? 0) | 0x20) !== rest.charCodeAt(k)) return false;
  }
  return true;
}

/** RFC 9110, token68. */
const isToken68 = (byte: number | undefined): boolean =>
  isAlphanumeric(byte) || (byte !== undefined && "-._~+/=".includes(String.fromCharCode(byte)));

/** Words of a sentence have no digits. */
const isTokenLike = (value: string): boolean =>
  value.length >= TOKEN_BYTES_MIN && /[0-9]/.test(value);

const isBasic = (value: string): boolean =>
  value.length >= BASIC_BYTES_MIN && Buffer.from(value, "base64").toString("latin1").includes(":");

/** What a value is by its name; undefined if the name does not say that it is secret. */
export function kindOfName(name: string): SecretKind | undefined {
  const plain = name.replaceAll(/[-_. ]/g, "").toLowerCase();
  if (/(?:password|passwd|passphrase|secret|^pwd|^pass|userpwd|dbpass)$/.test(plain))
    return "password";
  if (/(?:apikey|secretkey|privatekey|secretaccesskey|accountkey|authkey|signingkey)$/.test(plain))
    return "key";
  return /(?:token|^sig|^signature|amzsignature|googsignature|authorization|jsessionid|phpsessid)$/.test(
    plain,
  )
    ? "token"
    : undefined;
}
