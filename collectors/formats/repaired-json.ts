/** A string, or a value that is missing: nothing or a dash before a comma or brace. */
const TOKEN = /"(?:[^"\\]|\\[^])*"|:\s*-?\s*(?=[,}])/g;
/** An escape of JSON, which is kept, or escaped bytes, of which there may be several in a character. */
const ESCAPES = /\\["\\/bfnrtu]|(?:\\x[0-9a-f]{2})+/gi;
const VISIBLE = /^[^\p{Cc}\uFFFD]+$/u;

/**
 * Makes JSON of what servers write by a format that does not escape for JSON: bytes as `\x22` (nginx without
 * `escape=json`, Apache), and unquoted variables without a value. Takes time linear in the text.
 */
export function repairedJson(text: string): string {
  return text.replaceAll(TOKEN, (token) =>
    token.startsWith('"') ? token.replaceAll(ESCAPES, repairedEscape) : ":null",
  );
}

/** The characters of the bytes, if they are visible; otherwise the escape as text. */
function repairedEscape(escape: string): string {
  if (!/^\\x/i.test(escape)) return escape;
  const decoded = Buffer.from(escape.replaceAll(/\\x/gi, ""), "hex").toString();
  return JSON.stringify(VISIBLE.test(decoded) ? decoded : escape).slice(1, -1);
}
