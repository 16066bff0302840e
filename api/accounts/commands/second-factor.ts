import { createHmac, randomBytes } from "node:crypto";

import { Secret, TOTP } from "otpauth";

import type { Kit } from "#api/kit/service.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { seal, unseal } from "#platform/seal.ts";

import {
  hasRecoveryCode,
  readTotp,
  consumeRecoveryCode,
  consumeTotpStep,
} from "../repositories/second-factors.ts";

const STEP_S = 30;
const DIGITS = 6;
/** Accepted clock drift (RFC 6238, 5.2). */
const WINDOW_STEPS = 1;
const SECRET_BYTES = 20;
const RECOVERY_CODES = 10;
const RECOVERY_BYTES = 10;

/** A valid code; `use` ensures that it is used once. */
export type UsableCode = { kind: "totp"; step: number } | { kind: "recovery"; hash: Buffer };

export type SecondFactors = {
  /** undefined: the account has no second factor. */
  check(
    db: Queryable,
    of: { accountId: string; code: string | undefined; nowMs: number },
  ): Promise<UsableCode | undefined | "needed" | "wrong">;
  /** Uses the code in the transaction that it allows. @returns false if it was used concurrently */
  use(tx: Queryable, accountId: string, code: UsableCode): Promise<boolean>;
  /** A new secret, encrypted for the database and encoded for the app. */
  newSecret(label: string): { stored: Buffer; base32: string; uri: string };
  /** The time step of a valid code. */
  stepOf(stored: Buffer, code: string, nowMs: number): number | undefined;
  newRecoveryCodes(): { code: string; hash: Buffer }[];
};

const totpOf = (secret: Secret, label?: string): TOTP =>
  new TOTP({
    issuer: "Quarterdeck",
    algorithm: "SHA1",
    digits: DIGITS,
    period: STEP_S,
    secret,
    ...(label === undefined ? {} : { label }),
  });

export function openSecondFactors(kit: Kit): SecondFactors {
  const key = kit.secret("second factor");
  const recoveryKey = kit.secret("recovery codes");
  const stepOf = (stored: Buffer, code: string, nowMs: number): number | undefined => {
    const totp = totpOf(new Secret({ buffer: Uint8Array.from(unseal(key, stored)).buffer }));
    const delta = totp.validate({ token: plainOf(code), timestamp: nowMs, window: WINDOW_STEPS });
    return delta === null ? undefined : Math.floor(nowMs / 1_000 / STEP_S) + delta;
  };
  const hashOf = (code: string): Buffer =>
    createHmac("sha256", recoveryKey).update(plainOf(code)).digest();
  return {
    async check(db, { accountId, code, nowMs }) {
      const stored = await readTotp(db, accountId);
      if (stored === undefined || stored.confirmedAtMs === null) return undefined;
      if (code === undefined) return "needed";
      if (new RegExp(`^\\d{${DIGITS}}$`).test(plainOf(code))) {
        const step = stepOf(stored.secret, code, nowMs);
        return step === undefined ? "wrong" : { kind: "totp", step };
      }
      const hash = hashOf(code);
      const exists = await hasRecoveryCode(db, accountId, hash);
      return exists ? { kind: "recovery", hash } : "wrong";
    },
    use: (tx, accountId, code) =>
      code.kind === "totp"
        ? consumeTotpStep(tx, accountId, code.step)
        : consumeRecoveryCode(tx, accountId, code.hash),
    newSecret(label) {
      const bytes = randomBytes(SECRET_BYTES);
      const secret = new Secret({ buffer: Uint8Array.from(bytes).buffer });
      return {
        stored: seal(key, bytes),
        base32: secret.base32,
        uri: totpOf(secret, label).toString(),
      };
    },
    stepOf,
    newRecoveryCodes: () =>
      Array.from({ length: RECOVERY_CODES }, () => {
        const { base32 } = new Secret({
          buffer: Uint8Array.from(randomBytes(RECOVERY_BYTES)).buffer,
        });
        const code = base32.toLowerCase().replaceAll(/(.{4})(?=.)/g, "$1-");
        return { code, hash: hashOf(code) };
      }),
  };
}

/** Apps display codes in groups. */
const plainOf = (code: string): string => code.toLowerCase().replaceAll(/[\s-]/g, "");
