const QUOTE = '"';

/**
 * The words of a line: separated by single spaces. One that begins with a quote or a bracket ends with the closing one that
 * a space or the end of the line follows, and is returned without them. At most `max` words; the last one has the rest.
 */
export function wordsOf(line: string, max: number): string[] {
  const words: string[] = [];
  let at = 0;
  while (at < line.length) {
    if (words.length === max - 1) {
      words.push(line.slice(at));
      break;
    }
    const close = line[at] === QUOTE ? QUOTE : line[at] === "[" ? "]" : "";
    const end = close === "" ? plainEnd(line, at) : enclosedEnd(line, at + 1, close);
    const isEnclosed = close !== "" && end > 0;
    const next = isEnclosed ? end + 1 : plainEnd(line, at);
    words.push(isEnclosed ? line.slice(at + 1, end) : line.slice(at, next));
    at = next + 1;
  }
  return words;
}

function plainEnd(line: string, from: number): number {
  const space = line.indexOf(" ", from);
  return space < 0 ? line.length : space;
}

/** The position of the closing character; -1 if there is none. */
function enclosedEnd(line: string, from: number, close: string): number {
  let end = line.indexOf(close, from);
  while (end >= 0 && end + 1 < line.length && line[end + 1] !== " ") {
    end = line.indexOf(close, end + 1);
  }
  return end;
}
