/** A command line up to the caret, as a shell reads it. */
export type ShellLine = {
  /** The words of the last command, without quotes; the last one is being written. */
  words: string[];
  /** The last word as it is written. */
  raw: string;
  /** The quote that is open at the caret. */
  quote: "" | "'" | '"';
};

/** Splits a command line into words. Variables and substitutions are not expanded. */
export function parseShellLine(line: string): ShellLine {
  const state: ShellLine & { isWord: boolean; word: string } = {
    words: [],
    raw: "",
    quote: "",
    isWord: false,
    word: "",
  };
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (state.quote === "" && /\s/.test(character)) endWord(state);
    else if (state.quote === "" && /[|;&]/.test(character)) {
      endWord(state);
      state.words = [];
    } else {
      const isEscape = character === "\\" && state.quote !== "'" && at + 1 < line.length;
      state.raw += isEscape ? line.slice(at, at + 2) : character;
      state.isWord = true;
      if (isEscape) at += 1;
      if (isEscape) state.word += escaped(line.charAt(at), state.quote);
      else take(state, character);
    }
  }
  return { words: [...state.words, state.word], raw: state.raw, quote: state.quote };
}

/** In double quotes a backslash before any other character stays. */
const escaped = (character: string, quote: ShellLine["quote"]): string =>
  quote === '"' && !/["\\$`]/.test(character) ? `\\${character}` : character;

function take(state: { word: string; quote: ShellLine["quote"] }, character: string): void {
  const isQuote = character === "'" || character === '"';
  if (isQuote && state.quote === "") state.quote = character;
  else if (isQuote && state.quote === character) state.quote = "";
  else state.word += character;
}

function endWord(state: { words: string[]; word: string; raw: string; isWord: boolean }): void {
  if (state.isWord) state.words.push(state.word);
  Object.assign(state, { word: "", raw: "", isWord: false });
}
