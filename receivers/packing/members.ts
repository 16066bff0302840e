const QUOTE = '"';

/** A member of an object: its name, and its text with it. */
export type Member = { name: string; text: string };

/**
 * The members of the object at the beginning of the text, which has to be valid JSON, and where the object ends. Undefined if
 * there is white space between them, or if a name has escapes.
 */
export function membersOf(text: string, start = 0): { members: Member[]; end: number } | undefined {
  const members: Member[] = [];
  for (let at = start + 1; ;) {
    if (text[at] !== QUOTE) return undefined;
    const nameEnd = text.indexOf(QUOTE, at + 1);
    const name = text.slice(at + 1, nameEnd);
    const end = memberEnd(text, at);
    if (end === undefined || name.includes("\\") || text[nameEnd + 1] !== ":") return undefined;
    members.push({ name, text: text.slice(at, end) });
    if (text[end] === "}") return { members, end: end + 1 };
    at = end + 1;
  }
}

/** Where the member that begins here ends: at a comma or a brace that is not in it. */
function memberEnd(text: string, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const character = text[at] ?? "";
    if (character === QUOTE) at = stringEnd(text, at);
    else if (character <= " ") return undefined;
    else if (depth === 0 && (character === "," || character === "}")) return at;
    else if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") depth -= 1;
  }
  return undefined;
}

/** Where the closing quote of the string that begins here is. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== QUOTE) at += text[at] === "\\" ? 2 : 1;
  return at;
}
