import { CARD_TRIGGERS, findCard } from "./cards.ts";
import { BEARER_TRIGGERS, findBearer, findUserInfo, USER_INFO_TRIGGERS } from "./credentials.ts";
import { EMAIL_TRIGGERS, findEmail } from "./emails.ts";
import { findIssued, ISSUED_TRIGGERS } from "./issued.ts";
import { findJwt, JWT_TRIGGERS } from "./jwts.ts";
import type { SecretKind } from "./kinds.ts";
import { findNamedValue, NAMED_VALUE_TRIGGERS } from "./named-values.ts";
import { findPrivateKey, PRIVATE_KEY_TRIGGERS } from "./private-keys.ts";
import type { Found, Text } from "./text.ts";

/** A secret in the bytes [from, to) of a text. */
export type Secret = Found & { kind: SecretKind };

/**
 * Looks for a secret to which the byte at this place belongs. That byte is rare in texts without secrets, so that few places
 * are examined; the secret may begin before it.
 */
type Detector = {
  triggers: string;
  /** It is used if one of these is looked for. */
  kinds: readonly SecretKind[];
  find(text: Text, at: number, kinds: ReadonlySet<SecretKind>): Secret | undefined;
};

const only = (
  kind: SecretKind,
  triggers: string,
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

/** Finds secrets of some kinds, in one pass over a text. Its time is proportional to the length, whatever the text. */
export class SecretFinder {
  readonly #kinds: ReadonlySet<SecretKind>;
  /** For each byte the detectors that it triggers. */
  readonly #detectors: (readonly Detector[] | undefined)[] = Array.from({ length: 256 });
  readonly #isTrigger = new Uint8Array(256);

  constructor(kinds: ReadonlySet<SecretKind>) {
    this.#kinds = kinds;
    for (const detector of DETECTORS) {
      if (!detector.kinds.some((kind) => kinds.has(kind))) continue;
      for (const code of Buffer.from(detector.triggers)) {
        this.#detectors[code] = [...(this.#detectors[code] ?? []), detector];
        this.#isTrigger[code] = 1;
      }
    }
  }

  /** The next secret in the text, none of whose bytes is before its start. */
  #next(text: Text): Secret | undefined {
    const { bytes, end } = text;
    const isTrigger = this.#isTrigger;
    for (let i = text.start; i < end; i += 1) {
      if (isTrigger[bytes[i]!] === 0) continue;
      for (const detector of this.#detectors[bytes[i]!] ?? []) {
        const found = detector.find(text, i, this.#kinds);
        if (found) return found;
      }
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
