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
  type StoredPasskey,
  recordUse,
  saveChallenge,
  findPasskeyByCredential,
  consumeChallenge,
} from "../repositories/passkeys.ts";
import type { CommandDeps } from "./call-context.ts";
import { refused } from "./check-credentials.ts";

const MINUTE_MS = 60_000;
const Base64url = z
  .string()
  .max(20_000)
  .regex(/^[\w-]+$/, { error: "give base64url" });

/** What `navigator.credentials.get` gives, as JSON (WebAuthn, AuthenticationResponseJSON). */
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

/** Options for an authenticator to say who somebody is: it knows for whom it has passkeys. */
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
  const kept = { challenge, accountId: undefined, expiresAtMs: nowMs + CHALLENGE_MS, nowMs };
  await saveChallenge(tx, kept);
  return options;
}

/** The assertion that a form brings as text. @throws AppError unauthenticated */
export function parseAssertion(text: string): Assertion {
  try {
    return Assertion.parse(JSON.parse(text));
  } catch (error) {
    throw new AppError("unauthenticated", "This is no passkey.", { cause: error });
  }
}

/**
 * The account whose passkey signed a challenge of ours: the challenge is used up, the person was verified by the
 * authenticator, and its counter went up. What is refused is audited.
 * @throws AppError unauthenticated
 */
export async function checkPasskey(
  deps: CommandDeps,
  { assertion, origin }: { assertion: Assertion; origin: Origin },
): Promise<string> {
  const { database } = deps.kit;
  const known = await findPasskeyByCredential(database, assertion.id);
  const why =
    known === undefined ? "unknown passkey" : await wrongWith(deps, known, { assertion, origin });
  if (known !== undefined && why === undefined) return known.passkey.accountId;
  const account = known && (await findAccount(database, known.passkey.accountId));
  return refused(
    { database, facts: deps.facts },
    {
      account,
      reason: why ?? "unknown passkey",
      origin,
      // Made-up ones cannot make the trail grow; those of known passkeys take the passkey.
      ...(known === undefined ? { onceKey: unknownIn(origin) } : {}),
      error: new AppError("unauthenticated", "This passkey is not known, or was not used in time."),
    },
  );
}

const unknownIn = ({ address, nowMs }: Origin): string =>
  `passkey nobody ${sourceOf(address)} ${Math.floor(nowMs / MINUTE_MS)}`;

async function wrongWith(
  { kit }: CommandDeps,
  { passkey, credential }: StoredPasskey,
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
      credential,
      requireUserVerification: true,
    });
    if (!verified) return "wrong signature of a passkey";
    const use = { id: passkey.id, counter: authenticationInfo.newCounter, nowMs };
    return (await recordUse(kit.database, use)) ? undefined : "counter of a passkey went back";
  } catch (error) {
    // What the library says names the check; what broke for another reason (the database) is no refusal.
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
