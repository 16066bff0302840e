/**
 * Untrusted text from logs, made safe to display: characters that are invisible, move the cursor or change the reading
 * direction become escapes. The result must still be rendered as text only.
 */
export type TextPart = { text: string; escaped: boolean };

/** Controls, format characters (bidirectional, zero-width, tags), half surrogates, separators, blank fillers. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu;

const SHORT: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Splits text into literal parts and escapes. */
export function visibleParts(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(INVISIBLE)) {
    if (match.index > end) parts.push({ text: text.slice(end, match.index), escaped: false });
    const previous = parts.at(-1);
    if (previous?.escaped) previous.text += escapeOf(match[0]);
    else parts.push({ text: escapeOf(match[0]), escaped: true });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), escaped: false });
  return parts;
}

/** The result as one string, for titles and labels. */
export function visibleText(text: string): string {
  return visibleParts(text)
    .map((part) => part.text)
    .join("");
}

/** At most `charactersMax` UTF-16 units, truncated between characters, and the number of omitted ones. */
export function cutText(text: string, charactersMax: number): { text: string; hidden: number } {
  if (text.length <= charactersMax) return { text, hidden: 0 };
  const last = text.charCodeAt(charactersMax - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? charactersMax - 1 : charactersMax;
  return { text: text.slice(0, end), hidden: text.length - end };
}

/** Any field value as text. */
export function fieldText(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(fieldText).join(", ");
  return JSON.stringify(value) ?? "";
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const short = SHORT[character];
  if (short) return short;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}
