import { QUOTE, SPACE, textOf } from "./bytes.ts";

/** A value after the common fields of access logs; with its name if the line has `name=value`. */
export type TailToken = { name: string | undefined; value: string; quoted: boolean };

const TOKENS_MAX = 64;
const NAME = /^([A-Za-z][\w.-]{0,40})=/;

/** Splits the rest of a line into values: plain, quoted, `name=value`, and lists joined by `, ` or ` : `. */
export function tailTokens(bytes: Uint8Array, start: number, end: number): TailToken[] {
  const text = textOf(bytes, start, end);
  const tokens: TailToken[] = [];
  let at = 0;
  while (at < text.length && tokens.length < TOKENS_MAX) {
    if (text.charCodeAt(at) === SPACE) {
      at += 1;
      continue;
    }
    const name = NAME.exec(text.slice(at, at + 48))?.[1];
    if (name !== undefined) at += name.length + 1;
    const quoted = text.charCodeAt(at) === QUOTE;
    const close = quoted ? closingQuote(text, at + 1) : bareEnd(text, at);
    tokens.push({ name, value: text.slice(quoted ? at + 1 : at, close), quoted });
    at = quoted ? close + 1 : close;
  }
  return tokens;
}

function closingQuote(text: string, from: number): number {
  const close = text.indexOf('"', from);
  return close < 0 ? text.length : close;
}

function bareEnd(text: string, from: number): number {
  let at = from;
  for (;;) {
    const space = text.indexOf(" ", at);
    if (space < 0) return text.length;
    if (text[space - 1] === ",") at = space + 1;
    else if (text.startsWith(" : ", space)) at = space + 3;
    else return space;
  }
}

/** The numbers of a list such as `0.001, 0.002` or `0.001 : -`; missing ones are left out. */
export function numbersOf(value: string): number[] {
  return value
    .split(/, | : |,/)
    .filter((part) => /^\d{1,15}(\.\d{1,9})?$/.test(part))
    .map(Number);
}
