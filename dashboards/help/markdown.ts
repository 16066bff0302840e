/** A part of a line: code in backticks, or plain text. */
export type Span = { kind: "text" | "code"; text: string };

export type Block =
  | { kind: "heading"; level: number; spans: Span[] }
  | { kind: "paragraph"; spans: Span[] }
  | { kind: "table"; head: Span[][]; rows: Span[][][] };

const HEADING = /^(#{1,6}) +(.*)$/;
const RULE = /^\|(?: *:?-+:? *\|)+$/;

/** Parses the Markdown that docs/search.md uses: headings, paragraphs, tables and code in backticks. */
export function parseMarkdown(text: string): Block[] {
  return text
    .split(/\n\s*\n/)
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map(blockOf);
}

function blockOf(part: string): Block {
  const heading = HEADING.exec(part);
  if (heading) {
    const [, marks = "", title = ""] = heading;
    return { kind: "heading", level: marks.length, spans: spansOf(title) };
  }
  const lines = part.split("\n");
  const [head = "", rule = "", ...rows] = lines;
  if (RULE.test(rule.trim())) {
    return { kind: "table", head: cellsOf(head), rows: rows.map(cellsOf) };
  }
  return { kind: "paragraph", spans: spansOf(lines.join(" ")) };
}

/** The cells of a table's row; `\|` is a character of a cell. */
function cellsOf(line: string): Span[][] {
  return line
    .trim()
    .replace(/^\|/, "")
    .replace(/\|$/, "")
    .split(/(?<!\\)\|/)
    .map((cell) => spansOf(cell.replaceAll("\\|", "|").trim()));
}

function spansOf(text: string): Span[] {
  return text
    .split(/(`[^`]+`)/)
    .filter((part) => part !== "")
    .map((part) =>
      /^`.+`$/.test(part)
        ? { kind: "code", text: part.slice(1, -1) }
        : { kind: "text", text: part },
    );
}
