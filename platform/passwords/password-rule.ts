/**
 * By NIST SP 800-63B, 3.1.1.2: a minimum length, at least 64 characters allowed, a blocklist, and no composition rules.
 * The minimum is between its 8 with a second factor and 15 without one, so that one rule serves members and customers.
 */
export const PASSWORD_CHARS = { min: 12, max: 256 };

export const TOO_SHORT = `use at least ${PASSWORD_CHARS.min} characters`;
const DISTINCT_CHARS_MIN = 4;
/** Shorter parts occur in good passwords, too. */
const PART_CHARS_MIN = 4;

/** Why a password is rejected. `common` has common passwords in lower case. */
export function passwordError(
  password: string,
  of: { email: string; name: string; common: ReadonlySet<string> },
): string | undefined {
  // Normalised as it is hashed, so that every way to type a letter counts as one.
  const plain = password.normalize("NFC").toLowerCase();
  if (Array.from(plain).length < PASSWORD_CHARS.min) return TOO_SHORT;
  if (isCommon(plain, of.common)) return "this password is too common: use another one";
  if (new Set(plain).size < DISTINCT_CHARS_MIN) {
    return `use at least ${DISTINCT_CHARS_MIN} different characters`;
  }
  const [local = ""] = of.email.toLowerCase().split("@");
  const own = [of.email.toLowerCase(), local, of.name.normalize("NFC").toLowerCase()].filter(
    (it) => it.length >= PART_CHARS_MIN,
  );
  const rest = own.reduce((left, word) => left.replaceAll(word, ""), plain);
  return rest.length < PART_CHARS_MIN ? "use more than your own name or address" : undefined;
}

/**
 * Lists have few passwords of this length, and people lengthen short ones: by repeating them, by a second one, or by
 * digits and signs around them.
 */
function isCommon(plain: string, common: ReadonlySet<string>): boolean {
  return [plain, repeatedPart(plain), lettersWithin(plain)].some(
    (it) => it.length >= PART_CHARS_MIN && isOneOrTwo(it, (part) => isWeakPart(part, common)),
  );
}

function isOneOrTwo(text: string, isWeak: (part: string) => boolean): boolean {
  if (isWeak(text)) return true;
  for (let at = PART_CHARS_MIN; at <= text.length - PART_CHARS_MIN; at += 1) {
    if (isWeak(text.slice(0, at)) && isWeak(text.slice(at))) return true;
  }
  return false;
}

const isWeakPart = (part: string, common: ReadonlySet<string>): boolean =>
  common.has(part) || isSequence(part);

/** Characters at equal distances: "abcdef", "987654", "aaaa". After 9 comes 0. */
function isSequence(text: string): boolean {
  const steps = new Set<number>();
  for (let at = 1; at < text.length; at += 1) {
    const [before, after] = [text.charCodeAt(at - 1), text.charCodeAt(at)];
    const wraps = text[at - 1] === "9" && text[at] === "0";
    steps.add(wraps ? 1 : after - before);
  }
  const [step = 0] = steps;
  return steps.size === 1 && Math.abs(step) <= 1;
}

/** "secretsecretsecret" → "secret"; the text itself if it does not repeat a part. */
const repeatedPart = (text: string): string => /^(.+?)\1+$/su.exec(text)?.[1] ?? text;

/** Without the digits and signs at its ends, of the part that is repeated. */
const lettersWithin = (text: string): string =>
  repeatedPart(text).replaceAll(/^[^\p{L}]+|[^\p{L}]+$/gu, "");
