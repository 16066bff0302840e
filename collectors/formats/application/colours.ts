/** Colours that libraries write for terminals. */
// oxlint-disable-next-line no-control-regex -- the escape character is what it looks for
const SEQUENCE = /\u001B\[[\d;]{0,16}m/g;
export const ESCAPE = "\u001B";

export const withoutColours = (text: string): string =>
  text.includes(ESCAPE) ? text.replaceAll(SEQUENCE, "") : text;
