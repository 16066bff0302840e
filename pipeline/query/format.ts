import { isAddress, parseCidr } from "../cidr.ts";
import type { Condition, FieldCondition, Filter } from "../filter.ts";
import { mayHaveAddresses, resolveField } from "./names.ts";
import { FIELD_NAME } from "./scanner.ts";
import { patternIn } from "./term.ts";

/** Words and values that do not need quotes. */
const PLAIN_WORD = /^(?!(?:AND|OR|NOT)$)[\w./][\w./@-]*$/;
const PLAIN_VALUE = /^[\w./@+,;%&?#|-][\w./:@+,;%&?#|-]*$/;
const SYMBOLS = { gt: ">", gte: ">=", lt: "<", lte: "<=", cidr: ":" } as const;
const NEGATIVE: readonly string[] = ["missing", "ne", "not_like"];

/** Formats a filter as a query that `parseQuery` parses to the same filter. */
export function formatFilter(filter: Filter): string {
  return filter.map(formatCondition).join(" ");
}

function formatCondition(part: Condition): string {
  if (part.op === "or") return `(${part.of.map(formatFilter).join(" OR ")})`;
  return part.op === "not" ? `-(${formatFilter(part.of)})` : formatField(part);
}

function formatField(part: FieldCondition): string {
  if (part.op === "contains") return quotedUnless(PLAIN_WORD, part.value);
  const field = fieldText(part.field);
  const minus = NEGATIVE.includes(part.op) ? "-" : "";
  if (!("value" in part)) return `${minus}${field}:*`;
  if (part.op === "eq" || part.op === "ne") {
    return `${minus}${field}:${exactValue(part.field, part.value)}`;
  }
  if (part.op === "like" || part.op === "not_like") {
    return `${minus}${field}~${quotedUnless(PLAIN_VALUE, part.value)}`;
  }
  return `${field}${SYMBOLS[part.op]}${part.value}`;
}

/** A quoted name is never an alias. */
function fieldText(field: string): string {
  const isPlain = FIELD_NAME.test(field) && resolveField(field) === field;
  return isPlain ? field : quoted(field);
}

function exactValue(field: string, value: string | number): string {
  const text = String(value);
  const isPattern = patternIn(field, { text, isQuoted: false, at: 0 }) !== undefined;
  const isNetwork = mayHaveAddresses(field) && parseCidr(text) !== undefined;
  // `field://…` would be read as a URL, and `a:fe80::1` as an address.
  const isAmbiguous = text.startsWith("//") || isAddress(`${field}:${text}`);
  const isSpecial = isPattern || isNetwork || isAmbiguous;
  return isSpecial ? quoted(text) : quotedUnless(PLAIN_VALUE, text);
}

function quotedUnless(plain: RegExp, text: string): string {
  return plain.test(text) ? text : quoted(text);
}

function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
