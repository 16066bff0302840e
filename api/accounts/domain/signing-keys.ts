/** Lifecycle of a signing key: created (and published), active, retired. Epoch ms. */
export type SigningKeyInfo = {
  kid: string;
  createdAtMs: number;
  activeAtMs: number | undefined;
  retiredAtMs: number | undefined;
};

export type SigningKeyState = "next" | "active" | "retired";

export type RotationStep = {
  /** A published key, or a new one if there is none. */
  activate: { kid: string } | "new" | undefined;
  /** Creates and publishes the key to sign next. */
  makeNext: boolean;
  retire: readonly string[];
  erase: readonly string[];
};

export const KEY_ACTIVE_MS = 90 * 86_400_000;
/** Twice the time for which jwks.json may be cached. */
export const KEY_PUBLISHED_AHEAD_MS = 10 * 60_000;
/** Longer than the lifetime of any token that it has signed. */
export const KEY_RETIRED_MS = 24 * 3_600_000;

type Stages = { activeAtMs?: number | null | undefined; retiredAtMs?: number | null | undefined };

export const stateOf = (key: Stages): SigningKeyState => {
  if (typeof key.retiredAtMs === "number") return "retired";
  return typeof key.activeAtMs === "number" ? "active" : "next";
};

/** The step that is due; undefined if none is. */
export function dueRotation(
  keys: readonly SigningKeyInfo[],
  nowMs: number,
): RotationStep | undefined {
  const { active, next } = inUse(keys);
  const rotates = active === undefined || (isOld(active, nowMs) && isPublished(next, nowMs));
  const erase = keys.filter((it) => isErasable(it, nowMs)).map((it) => it.kid);
  if (!rotates && next !== undefined && erase.length === 0) return undefined;
  if (!rotates) return { activate: undefined, makeNext: next === undefined, retire: [], erase };
  const retire = active === undefined ? [] : [active.kid];
  return { activate: next ?? "new", makeNext: true, retire, erase };
}

/**
 * The step for a rotation on request. Normally the old key stays published and the next one must have been published for
 * long enough. `withdraw`, after a leak, erases all keys that have signed, which invalidates their tokens.
 */
export function requestedRotation(
  keys: readonly SigningKeyInfo[],
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
    erase: withdraw ? signed : [],
  };
}

function inUse(keys: readonly SigningKeyInfo[]) {
  return {
    active: keys.find((it) => stateOf(it) === "active"),
    next: keys.find((it) => stateOf(it) === "next"),
  };
}

const isOld = (key: SigningKeyInfo, nowMs: number): boolean =>
  nowMs >= (key.activeAtMs ?? 0) + KEY_ACTIVE_MS;

const isErasable = ({ retiredAtMs }: SigningKeyInfo, nowMs: number): boolean =>
  retiredAtMs !== undefined && nowMs >= retiredAtMs + KEY_RETIRED_MS;

const isPublished = (key: SigningKeyInfo | undefined, nowMs: number): boolean =>
  key !== undefined && nowMs >= key.createdAtMs + KEY_PUBLISHED_AHEAD_MS;
