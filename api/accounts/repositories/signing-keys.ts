import { type CryptoKey, type JWK, type JWTPayload, SignJWT, errors, jwtVerify } from "jose";

import type { Kit } from "#api/kit/service.ts";
import { ACCESS_TOKEN_ALGORITHM, AUDIENCE } from "#platform/http/tokens.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import {
  type RotationStep,
  type SigningKeyInfo,
  requestedRotation,
  dueRotation,
  stateOf,
} from "../domain/signing-keys.ts";
import {
  type StoredSigningKey,
  jwkOf,
  lockSigningKeys,
  openPrivateKey,
  openPublicKey,
  readSigningKeys,
  writeRotation,
} from "./signing-key-store.ts";

/** Signs and checks the tokens of this installation. */
export type SigningKeys = {
  /** A signed JWT with these claims, which must include `iss`, `aud` and `exp`; `typ` is `at+jwt` or `JWT`. */
  sign(claims: Readonly<Record<string, unknown>>, options: { typ: string }): Promise<string>;
  /** The current, next and retired public keys (RFC 7517). */
  jwks(): Promise<{ keys: JWK[] }>;
  /** Claims of a valid token; by default of an access token for the domain APIs. */
  verify(token: string, expected?: Expected): Promise<JWTPayload | undefined>;
  info(): Promise<SigningKeyInfo[]>;
  /**
   * Activates the next key. `withdraw` erases all keys that have signed, which invalidates their tokens.
   * @returns the time to wait for if the next key is too new
   */
  rotate(
    tx: Queryable,
    options: { nowMs: number; withdraw: boolean },
  ): Promise<{ waitUntilMs: number } | undefined>;
};

/** `lateMs`: accepted for this time after its expiry (as a hint at logout). */
type Expected = { typ: string; audience?: string; lateMs?: number };
type Opened = {
  stored: readonly StoredSigningKey[];
  signs: { kid: string; key: CryptoKey };
  publicKeys: ReadonlyMap<string, CryptoKey>;
};

const ACCESS_TOKEN: Expected = { typ: "at+jwt", audience: AUDIENCE };

/**
 * Caches the keys of the database until a notification of their change; without a connection for notifications they are
 * read each time. Due rotations (first keys, a new key, erasing an old one) are done by the first process that detects
 * them.
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
    if (dueRotation(stored, nowMs) !== undefined) stored = await applyDueRotation(nowMs);
    const opened = await openAll(stored, secret);
    if (state.changes === changes) state.opened = opened;
    return opened;
  }

  const applyDueRotation = (nowMs: number): Promise<StoredSigningKey[]> =>
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
    jwks: async () => ({ keys: (await current()).stored.map(jwkOf) }),
    verify: async (token, expected = ACCESS_TOKEN) =>
      claimsOf(token, (await current()).publicKeys, { ...expected, kit }),
    info: async () => (await current()).stored.map(infoOf),
    async rotate(tx, { nowMs, withdraw }) {
      await lockSigningKeys(tx);
      const step = requestedRotation(await readSigningKeys(tx), nowMs, withdraw);
      if ("waitUntilMs" in step) return step;
      await writeRotation(tx, step, { secret, nowMs });
      return undefined;
    },
  };
}

const infoOf = ({ kid, createdAtMs, activeAtMs, retiredAtMs }: SigningKeyInfo) => ({
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
