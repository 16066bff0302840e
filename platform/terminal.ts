import type { Clock } from "./clock.ts";

type Output = { write(text: string): unknown; isTTY?: boolean; columns?: number };

/** Output for people: whole lines, and one progress line that is updated. Their text is made printable. */
export type Terminal = {
  line(text: string): void;
  /** On a terminal updates the progress line; otherwise prints a line occasionally. Only a shown text is created. */
  progress(text: () => string): void;
  /** Ends the progress line with its last text. */
  done(): void;
};

const PLAIN_EVERY_MS = 5_000;
const LIVE_EVERY_MS = 80;
const CLEAR_LINE = "\r\u001B[2K";
/** Controls except tab and newline, and invisible characters, of which some change the direction of the text. */
const CONTROLS = /(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

export function openTerminal(output: Output, clock: Clock): Terminal {
  const live = output.isTTY === true;
  let shownAtMs = Number.NEGATIVE_INFINITY;
  let current: (() => string) | undefined;
  let drawn: (() => string) | undefined;
  const draw = (progress: () => string): void => {
    const text = printable(progress());
    output.write(live ? CLEAR_LINE + cut(text, output.columns ?? 80) : `${text}\n`);
    drawn = progress;
    shownAtMs = clock.nowMs();
  };
  return {
    line(external) {
      const text = printable(external);
      output.write(
        live && current
          ? `${CLEAR_LINE}${text}\n${cut(printable(current()), output.columns ?? 80)}`
          : `${text}\n`,
      );
    },
    progress(external) {
      current = external;
      const everyMs = live ? LIVE_EVERY_MS : PLAIN_EVERY_MS;
      if (clock.nowMs() - shownAtMs >= everyMs) draw(external);
    },
    done() {
      if (!current) return;
      if (live || drawn !== current) draw(current);
      if (live) output.write("\n");
      current = undefined;
      shownAtMs = Number.NEGATIVE_INFINITY;
    },
  };
}

/**
 * External text, safe to print: control characters become visible \xHH, so that no log line can control the terminal.
 */
export function printable(text: string): string {
  return text.replaceAll(CONTROLS, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : escaped(character);
  });
}

/** Equivalent JSON that is safe to print: JSON.stringify does not escape C1 and bidirectional control characters. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(CONTROLS, escaped);

/** In the syntax of JSON: each UTF-16 unit. */
const escaped = (character: string): string =>
  character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");

function cut(text: string, columns: number): string {
  const characters = Array.from(text);
  return characters.length < columns ? text : `${characters.slice(0, columns - 2).join("")}…`;
}
