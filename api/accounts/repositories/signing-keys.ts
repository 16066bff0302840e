import { type CryptoKey, type JWK, type JWTPayload, SignJWT, errors, jwtVerify } from "jose";

import type { Kit } from "#api/kit/service.ts";
import { ACCESS_TOKEN_ALGORITHM, AUDIENCE } from "#platform/http/tokens.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import {
  type RotationStep,
  type SigningKeyFacts,
  requestedRotation,
  dueRotation,
  stateOf,
} from "../domain/signing-keys.ts";
import {
  type StoredSigningKey,
  lockSigningKeys,
  openPrivateKey,
  openPublicKey,
  readSigningKeys,
  writeRotation,
} from "./signing-key-store.ts";

/** Signs and checks the tokens of this installation. */
export type SigningKeys = {
  /** A signed JWT of these claims, which must have `iss`, `aud` and `exp`; `typ` says what it is: `at+jwt`, `JWT`. */
  sign(claims: Readonly<Record<string, unknown>>, options: { typ: string }): Promise<string>;
  /** The public keys (RFC 7517): those that sign, will sign and have signed. */
  jwks(): Promise<{ keys: JWK[] }>;
  /** Claims of a token that we signed and that has not expired; by default of an access token for the domain APIs. */
  verify(token: string, expected?: Expected): Promise<JWTPayload | undefined>;
  facts(): Promise<SigningKeyFacts[]>;
  /**
   * In a transaction: the next key signs from now on. `withdraw` erases all that have signed, with every token of
   * theirs. Gives the time from which it may be asked for, where that is too early.
   */
  rotate(
    tx: Queryable,
    options: { nowMs: number; withdraw: boolean },
  ): Promise<{ waitUntilMs: number } | undefined>;
};

/** `lateMs`: also good for so long after it has expired (hints of who was signed in). */
type Expected = { typ: string; audience?: string; lateMs?: number };
type Opened = {
  stored: readonly StoredSigningKey[];
  signs: { kid: string; key: CryptoKey };
  publicKeys: ReadonlyMap<string, CryptoKey>;
};

const ACCESS_TOKEN: Expected = { typ: "at+jwt", audience: AUDIENCE };

/**
 * The keys of the database, as this process has them: read again when another one has changed them, and each time while
 * notifications are not heard. What the time asks for (the first keys, a new one, an old one erased) is done by whoever
 * meets it first.
 */
export function openSigningKeys(kit: Kit): SigningKeys {
  const { database, notifications, clock } = kit;
  const secret = kit.secret("signing keys");
  const state: { opened: Opened | undefined; changes: number } = { opened: undefined, changes: 0 };
  const changed = (): void => {
    state.changes += 1;
    state.opened = undefined;
  };
  notifications.on("signing_keys", changed);

  async function current(): Promise<Opened> {
    const nowMs = clock.nowMs();
    const kept = notifications.isListening() ? state.opened : undefined;
    if (kept !== undefined && dueRotation(kept.stored, nowMs) === undefined) return kept;
    const { changes } = state;
    let stored = await readSigningKeys(database);
    if (dueRotation(stored, nowMs) !== undefined) stored = await rotateWhatIsDue(nowMs);
    const opened = await openAll(stored, secret);
    if (state.changes === changes) state.opened = opened;
    return opened;
  }

  const rotateWhatIsDue = (nowMs: number): Promise<StoredSigningKey[]> =>
    database.transaction(async (tx) => {
      await lockSigningKeys(tx);
      const due: RotationStep | undefined = dueRotation(await readSigningKeys(tx), nowMs);
      if (due !== undefined) await writeRotation(tx, due, { secret, nowMs });
      return readSigningKeys(tx);
    });

  return {
    async sign(claims, { typ }) {
      const { signs } = await current();
      const header = { alg: ACCESS_TOKEN_ALGORITHM, typ, kid: signs.kid };
      return new SignJWT(claims).setProtectedHeader(header).sign(signs.key);
    },
    jwks: async () => ({ keys: (await current()).stored.map((it) => it.publicJwk) }),
    verify: async (token, expected = ACCESS_TOKEN) =>
      claimsOf(token, (await current()).publicKeys, { ...expected, kit }),
    facts: async () => (await current()).stored.map(factsOf),
    async rotate(tx, { nowMs, withdraw }) {
      await lockSigningKeys(tx);
      const step = requestedRotation(await readSigningKeys(tx), nowMs, withdraw);
      if ("waitUntilMs" in step) return step;
      await writeRotation(tx, step, { secret, nowMs });
      return undefined;
    },
  };
}

const factsOf = ({ kid, createdAtMs, activeAtMs, retiredAtMs }: SigningKeyFacts) => ({
  kid,
  createdAtMs,
  activeAtMs,
  retiredAtMs,
});

async function openAll(stored: readonly StoredSigningKey[], secret: Buffer): Promise<Opened> {
  const active = stored.find((it) => stateOf(it) === "active");
  if (active === undefined) throw new Error("no signing key is active");
  const publicKeys = await Promise.all(
    stored.map(async (it) => [it.kid, await openPublicKey(it)] as const),
  );
  return {
    stored,
    signs: { kid: active.kid, key: await openPrivateKey(active, secret) },
    publicKeys: new Map(publicKeys),
  };
}

async function claimsOf(
  token: string,
  keys: ReadonlyMap<string, CryptoKey>,
  { typ, audience, lateMs = 0, kit }: Expected & { kit: Kit },
): Promise<JWTPayload | undefined> {
  try {
    const keyOf = ({ kid = "" }: { kid?: string }): CryptoKey => {
      const key = keys.get(kid);
      if (key === undefined) throw new errors.JWKSNoMatchingKey();
      return key;
    };
    const { payload } = await jwtVerify(token, keyOf, {
      issuer: kit.url,
      ...(audience === undefined ? {} : { audience }),
      typ,
      algorithms: [ACCESS_TOKEN_ALGORITHM],
      currentDate: new Date(kit.clock.nowMs() - lateMs),
      requiredClaims: ["exp", "sub"],
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}
