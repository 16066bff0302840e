/** A line of a configuration as HAProxy splits it, without comments. Lines are counted from 1. */
export type ConfigLine = { number: number; words: readonly string[]; text: string };
export type Section = { kind: string; name: string; number: number; lines: readonly ConfigLine[] };

/** Keywords at the beginning of a line that begin a section (cfgparse.c and what registers sections). */
const SECTIONS = new Set([
  "global",
  "defaults",
  "frontend",
  "backend",
  "listen",
  "peers",
  "mailers",
  "resolvers",
  "userlist",
  "program",
  "cache",
  "http-errors",
  "ring",
  "log-forward",
  "fcgi-app",
]);

/** The lines that have words. */
export const linesOf = (text: string): ConfigLine[] =>
  text
    .split("\n")
    .map((line, at) => ({ number: at + 1, words: wordsOf(line), text: line }))
    .filter(({ words }) => words.length > 0);

/** The sections of a configuration, in their order. Lines before the first one are none of any. */
export function sectionsOf(text: string): Section[] {
  const sections: (Section & { lines: ConfigLine[] })[] = [];
  for (const line of linesOf(text)) {
    const [keyword = "", name = ""] = line.words;
    if (SECTIONS.has(keyword)) {
      sections.push({ kind: keyword, name, number: line.number, lines: [] });
    } else sections.at(-1)?.lines.push(line);
  }
  return sections;
}

const PIECE = /\\.?|"(?:\\.|[^"\\])*"?|'[^']*'?|[^\s#"'\\]/gs;
const WORD_OR_COMMENT = /#.*|(?:\\.?|"(?:\\.|[^"\\])*"?|'[^']*'?|[^\s#"'\\])+/gs;

/** Words are separated by blanks; quotes and backslashes join and escape; # begins a comment. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(WORD_OR_COMMENT)]
    .map(([word]) => word)
    .filter((word) => !word.startsWith("#"))
    .map((word) => word.replaceAll(PIECE, contentOf));

function contentOf(piece: string): string {
  if (piece.startsWith("'")) return piece.replaceAll("'", "");
  if (piece.startsWith('"')) return piece.replaceAll(/^"|"$/g, "").replaceAll(/\\(.)/gs, "$1");
  return piece.startsWith("\\") ? piece.slice(1) : piece;
}
