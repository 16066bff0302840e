import { CARD_TRIGGERS, findCard } from "./cards.ts";
import { BEARER_TRIGGERS, findBearer, findUserInfo, USER_INFO_TRIGGERS } from "./credentials.ts";
import { EMAIL_TRIGGERS, findEmail } from "./emails.ts";
import { findIssued, ISSUED_TRIGGERS } from "./issued.ts";
import { findJwt, JWT_TRIGGERS } from "./jwts.ts";
import type { SecretKind } from "./kinds.ts";
import { findNamedValue, NAMED_VALUE_TRIGGERS } from "./named-values.ts";
import { findPrivateKey, PRIVATE_KEY_TRIGGERS } from "./private-keys.ts";
import { type Found, isPair, type Text, type Trigger } from "./text.ts";

/** A secret in the bytes [from, to) of a text. */
export type Secret = Found & { kind: SecretKind };

/**
 * Looks for a secret to which the byte at this place belongs; it may begin before that. The byte and the one before it are rare
 * in texts without secrets, so that few places are examined.
 */
type Detector = {
  triggers: readonly Trigger[];
  /** It is used if one of these is looked for. */
  kinds: readonly SecretKind[];
  find(text: Text, at: number, kinds: ReadonlySet<SecretKind>): Secret | undefined;
};

const only = (
  kind: SecretKind,
  triggers: readonly Trigger[],
  find: (text: Text, at: number) => Found | undefined,
): Detector => ({
  triggers,
  kinds: [kind],
  find(text, at) {
    const found = find(text, at);
    return found && { kind, ...found };
  },
});

/** The first that finds something decides. */
const DETECTORS: readonly Detector[] = [
  only("key", PRIVATE_KEY_TRIGGERS, findPrivateKey),
  { triggers: NAMED_VALUE_TRIGGERS, kinds: ["password", "key", "token"], find: findNamedValue },
  only("token", BEARER_TRIGGERS, findBearer),
  only("password", USER_INFO_TRIGGERS, findUserInfo),
  { triggers: ISSUED_TRIGGERS, kinds: ["key", "token"], find: findIssued },
  only("jwt", JWT_TRIGGERS, findJwt),
  only("email", EMAIL_TRIGGERS, findEmail),
  only("card", CARD_TRIGGERS, findCard),
];

const BYTES = 256;
const BLANK = 0x20;

/** Finds secrets of some kinds, in one pass over a text. Its time is proportional to the length, whatever the text. */
export class SecretFinder {
  readonly #kinds: ReadonlySet<SecretKind>;
  /** For each pair of consecutive bytes the number of a list of detectors; 0 if there are none. */
  readonly #listOf = new Uint8Array(BYTES * BYTES);
  readonly #lists: Detector[][] = [[]];

  constructor(kinds: ReadonlySet<SecretKind>) {
    this.#kinds = kinds;
    const used = DETECTORS.filter((detector) => detector.kinds.some((kind) => kinds.has(kind)));
    const numbers = new Map<string, number>();
    for (let pair = 0; pair < BYTES * BYTES; pair += 1) {
      const [before, byte] = [pair >> 8, pair & 0xff];
      const list = used.filter(({ triggers }) => triggers.some((it) => isPair(it, before, byte)));
      if (list.length === 0) continue;
      const key = list.map((it) => DETECTORS.indexOf(it)).join();
      const number = numbers.get(key) ?? this.#lists.push(list) - 1;
      numbers.set(key, number);
      this.#listOf[pair] = number;
    }
  }

  /** The next secret in the text, none of whose bytes is before its start. */
  #next(text: Text): Secret | undefined {
    const { bytes, end } = text;
    const listOf = this.#listOf;
    let pair = BLANK;
    for (let i = text.start; i < end; i += 1) {
      pair = ((pair << 8) | bytes[i]!) & 0xffff;
      if (listOf[pair] === 0) continue;
      const found = this.#detect(text, i, this.#lists[listOf[pair]!]!);
      if (found) return found;
    }
    return undefined;
  }

  #detect(text: Text, i: number, detectors: readonly Detector[]): Secret | undefined {
    for (const detector of detectors) {
      const found = detector.find(text, i, this.#kinds);
      if (found) return found;
    }
    return undefined;
  }

  /** All secrets in the text, in their order; undefined if there are none, as in nearly all texts. */
  all(bytes: Uint8Array, start: number, end: number): Secret[] | undefined {
    const text = { bytes, start, end, origin: start, strings: { at: start, isIn: false } };
    let found: Secret[] | undefined;
    for (let next = this.#next(text); next; next = this.#next(text)) {
      found ??= [];
      found.push(next);
      text.start = next.to;
    }
    return found;
  }
}
