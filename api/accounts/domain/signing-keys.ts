/** When a signing key did what: made (and published), signing, signing no more. Epoch ms. */
export type SigningKeyFacts = {
  kid: string;
  createdAtMs: number;
  activeAtMs: number | undefined;
  retiredAtMs: number | undefined;
};

export type SigningKeyState = "next" | "active" | "retired";

/** What is to be done with the keys so that one signs and another one is known to everybody before it does. */
export type RotationStep = {
  /** Signs from now on: a key that was published before, or a new one where there is none. */
  activate: { kid: string } | "new" | undefined;
  /** A new key is made and published, to sign later. */
  makeNext: boolean;
  retire: readonly string[];
  /** Published no longer, and erased. */
  forget: readonly string[];
};

/** Signs for so long. */
export const KEY_ACTIVE_MS = 90 * 86_400_000;
/** Published for so long before it signs: twice as long as the answer of jwks.json may be kept. */
export const KEY_PUBLISHED_AHEAD_MS = 10 * 60_000;
/** Published for so long after it has stopped to sign: longer than any token that it has signed may live. */
export const KEY_RETIRED_MS = 24 * 3_600_000;

export const stateOf = (key: SigningKeyFacts): SigningKeyState => {
  if (key.retiredAtMs !== undefined) return "retired";
  return key.activeAtMs === undefined ? "next" : "active";
};

/** What the time asks for; undefined where all is as it should be. */
export function dueRotation(
  keys: readonly SigningKeyFacts[],
  nowMs: number,
): RotationStep | undefined {
  const { active, next } = inUse(keys);
  const turn = active === undefined || (isOld(active, nowMs) && isPublished(next, nowMs));
  const forget = keys.filter((it) => isForgotten(it, nowMs)).map((it) => it.kid);
  if (!turn && next !== undefined && forget.length === 0) return undefined;
  if (!turn) return { activate: undefined, makeNext: next === undefined, retire: [], forget };
  const retire = active === undefined ? [] : [active.kid];
  return { activate: next ?? "new", makeNext: true, retire, forget };
}

/**
 * Somebody asks for a new key before its time. Without `withdraw` the old one stays published, and the next one must
 * have been published for long enough: the answer says from when it is. With `withdraw`, after a leak, all keys that
 * have ever signed are gone at once, and with them every token that they signed.
 */
export function requestedRotation(
  keys: readonly SigningKeyFacts[],
  nowMs: number,
  withdraw: boolean,
): RotationStep | { waitUntilMs: number } {
  const { active, next } = inUse(keys);
  if (!withdraw && next !== undefined && !isPublished(next, nowMs)) {
    return { waitUntilMs: next.createdAtMs + KEY_PUBLISHED_AHEAD_MS };
  }
  const signed = keys.filter((it) => stateOf(it) !== "next").map((it) => it.kid);
  return {
    activate: next ?? "new",
    makeNext: true,
    retire: withdraw || active === undefined ? [] : [active.kid],
    forget: withdraw ? signed : [],
  };
}

function inUse(keys: readonly SigningKeyFacts[]) {
  return {
    active: keys.find((it) => stateOf(it) === "active"),
    next: keys.find((it) => stateOf(it) === "next"),
  };
}

const isOld = (key: SigningKeyFacts, nowMs: number): boolean =>
  nowMs >= (key.activeAtMs ?? 0) + KEY_ACTIVE_MS;

const isForgotten = ({ retiredAtMs }: SigningKeyFacts, nowMs: number): boolean =>
  retiredAtMs !== undefined && nowMs >= retiredAtMs + KEY_RETIRED_MS;

const isPublished = (key: SigningKeyFacts | undefined, nowMs: number): boolean =>
  key !== undefined && nowMs >= key.createdAtMs + KEY_PUBLISHED_AHEAD_MS;
