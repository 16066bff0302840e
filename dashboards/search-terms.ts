import { partsOf } from "./query-parts.ts";

/** Writes terms of the query language, which pipeline/query-language.ts parses. */

/** Values that do not need quotes: outside quotes `*` is a wildcard, and some words and networks have a meaning. */
const PLAIN = /^(?!(?:AND|OR|NOT)$)(?!\/\/)(?![\da-f.]+\/\d+$)[\w./][\w./@-]*$/i;

/** `field:value`, quoted if necessary. */
export function term(field: string, value: string | number): string {
  return `${field}:${valueText(String(value))}`;
}

/** The query with the term added, once, and its opposite removed. */
export function withTerm(query: string, added: string): string {
  const opposite = added.startsWith("-") ? added.slice(1) : `-${added}`;
  const kept = splitTerms(query).filter((part) => part !== opposite && part !== added);
  return [...kept, added].join(" ");
}

export function withoutTerm(query: string, removed: string): string {
  return splitTerms(query)
    .filter((part) => part !== removed)
    .join(" ");
}

/** The query of a typed or pasted text: a lone IP address means the requests of this client. */
export function queryOf(text: string): string {
  const trimmed = text.trim();
  return isAddress(trimmed) ? term("ip", trimmed) : trimmed;
}

export const isAddress = (text: string): boolean =>
  /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) ||
  (/^[\da-f:]+[\d.]*$/i.test(text) && (text.includes("::") || text.split(":").length === 8));

/** The terms that must all match. Alternatives are one term in parentheses, because AND binds tighter than OR. */
export function splitTerms(query: string): string[] {
  const { parts, hasOr } = partsOf(query);
  return hasOr ? [`(${query.trim()})`] : parts;
}

export function valueText(value: string): string {
  if (PLAIN.test(value)) return value;
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
