import { identifier } from "./duck.ts";
import { REBUILT_LINE_SQL } from "./rebuilt-line-sql.ts";

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const TIMES = MONTHS.flatMap((month) =>
  ["+", "-"].map((sign) => `[00/${month}/0000:00:00:00 ${sign}0000]`),
);
/** Such lines have only ASCII characters. Of others, only these are equal to one if their case is ignored: `İ` and the Kelvin sign. */
const NEVER_IN_LINE = /[^\p{ASCII}\u0130\u212a]/u;

/**
 * A condition for events whose line is not stored: whether it contains the words, unless its URL, referrer or user agent does.
 * `contains`: the condition for a text. Words that lie within a value are sought in the values, because to rebuild a line takes
 * several times as long.
 */
export function lineContainsSql(words: string, contains: (text: string) => string): string {
  if (NEVER_IN_LINE.test(words)) return "FALSE";
  if (isBeyondValues(words.toLowerCase())) return contains(REBUILT_LINE_SQL);
  const values = ["source.address", "user.name", "http.request.method"].map(identifier);
  const conditions = [...values, `concat('HTTP/', "http.version")`].map(contains);
  return `greatest(${conditions.join(", ")})`;
}

/** Whether words may be in the time or a number of a line, or in several of its values. */
function isBeyondValues(words: string): boolean {
  if (!/^\p{ASCII}*$/u.test(words)) return true;
  return /[ "]|^[0-9]*$|^-$/.test(words) || TIMES.some((time) => mayContain(time, words));
}

/** Whether a text may contain the words, if each zero of it may be any digit. */
function mayContain(text: string, words: string): boolean {
  for (let at = 0; at + words.length <= text.length; at += 1) {
    const isHere = words
      .split("")
      .every((character, i) =>
        text[at + i] === "0" ? /[0-9]/.test(character) : text[at + i] === character,
      );
    if (isHere) return true;
  }
  return false;
}
