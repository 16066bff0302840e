import {
  generateAuthenticationOptions,
  verifyAuthenticationResponse,
} from "@simplewebauthn/server";
import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { sourceOf } from "#platform/source-of.ts";

import type { Origin } from "../deps.ts";
import { CHALLENGE_MS, printableReason, relyingParty } from "../domain/passkeys.ts";
import { findAccount } from "../repositories/accounts.ts";
import {
  type Passkey,
  recordUse,
  saveChallenge,
  findPasskeyByCredential,
  consumeChallenge,
} from "../repositories/passkeys.ts";
import type { CommandDeps } from "./call-context.ts";
import { refused } from "./check-credentials.ts";

const MINUTE_MS = 60_000;
export const Base64url = z
  .string()
  .max(20_000)
  .regex(/^[\w-]+$/, { error: "give base64url" });

/** AuthenticationResponseJSON of WebAuthn. */
export const Assertion = z.object({
  id: Base64url,
  rawId: Base64url,
  type: z.literal("public-key"),
  response: z.object({
    clientDataJSON: Base64url,
    authenticatorData: Base64url,
    signature: Base64url,
    userHandle: z.string().max(200).optional(),
  }),
});
export type Assertion = z.infer<typeof Assertion>;

/** Options to sign in with a discoverable credential. */
export async function challengeSignIn(
  tx: Queryable,
  { kit }: Pick<CommandDeps, "kit">,
  nowMs: number,
) {
  const options = await generateAuthenticationOptions({
    rpID: relyingParty(kit.url).id,
    userVerification: "required",
    timeout: CHALLENGE_MS,
  });
  const { challenge } = options;
  const expiresAtMs = nowMs + CHALLENGE_MS;
  await saveChallenge(tx, { challenge, accountId: undefined, expiresAtMs, nowMs });
  return options;
}

/** Parses the assertion of a form field. @throws AppError unauthenticated */
export function parseAssertion(text: string): Assertion {
  try {
    return Assertion.parse(JSON.parse(text));
  } catch (error) {
    throw new AppError("unauthenticated", "This is not a passkey response.", { cause: error });
  }
}

/** Verifies an assertion and audits a refusal. @returns the id of the account @throws AppError unauthenticated */
export async function checkPasskey(
  deps: CommandDeps,
  { assertion, origin }: { assertion: Assertion; origin: Origin },
): Promise<string> {
  const { database } = deps.kit;
  const passkey = await findPasskeyByCredential(database, assertion.id);
  const reason =
    passkey === undefined
      ? "unknown passkey"
      : await rejectionReason(deps, passkey, { assertion, origin });
  if (passkey !== undefined && reason === undefined) return passkey.accountId;
  const account = passkey && (await findAccount(database, passkey.accountId));
  return refused(
    { database, signInLog: deps.signInLog },
    {
      account,
      reason: reason ?? "unknown passkey",
      origin,
      // Attempts with unknown passkeys must not fill the audit trail.
      ...(passkey === undefined ? { onceKey: unknownIn(origin) } : {}),
      error: new AppError(
        "unauthenticated",
        "This passkey is not registered, or was not used in time.",
      ),
    },
  );
}

const unknownIn = ({ address, nowMs }: Origin): string =>
  `passkey nobody ${sourceOf(address)} ${Math.floor(nowMs / MINUTE_MS)}`;

async function rejectionReason(
  { kit }: CommandDeps,
  passkey: Passkey,
  { assertion, origin }: { assertion: Assertion; origin: Origin },
): Promise<string | undefined> {
  const { nowMs } = origin;
  const { id: expectedRPID, origins } = relyingParty(kit.url);
  const { userHandle } = assertion.response;
  const handle = Buffer.from(passkey.accountId).toString("base64url");
  if (userHandle !== undefined && userHandle !== handle) return "passkey of another account";
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: { ...assertion, clientExtensionResults: {}, response: responseOf(assertion) },
      expectedChallenge: (challenge) =>
        consumeChallenge(kit.database, { challenge, accountId: undefined, nowMs }),
      expectedOrigin: origins,
      expectedRPID,
      credential: {
        id: passkey.credentialId,
        publicKey: new Uint8Array(passkey.publicKey),
        counter: passkey.counter,
        transports: passkey.transports,
      },
      requireUserVerification: true,
    });
    if (!verified) return "wrong signature of a passkey";
    const use = { id: passkey.id, counter: authenticationInfo.newCounter, nowMs };
    return (await recordUse(kit.database, use)) ? undefined : "counter of a passkey went back";
  } catch (error) {
    // Errors of the library are refusals; others, such as of the database, are not.
    if (error instanceof AppError) throw error;
    return printableReason(error);
  }
}

const responseOf = ({ response }: Assertion) => ({
  clientDataJSON: response.clientDataJSON,
  authenticatorData: response.authenticatorData,
  signature: response.signature,
  ...(response.userHandle === undefined ? {} : { userHandle: response.userHandle }),
});
