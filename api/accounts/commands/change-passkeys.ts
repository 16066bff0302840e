import { generateRegistrationOptions, verifyRegistrationResponse } from "@simplewebauthn/server";
import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { checkVersion } from "#platform/http/etag.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import {
  CHALLENGE_MS,
  PASSKEYS_MAX,
  type Passkey,
  printableReason,
  relyingParty,
} from "../domain/passkeys.ts";
import { findAccount } from "../repositories/accounts.ts";
import {
  Transports,
  deletePasskey,
  insertPasskey,
  saveChallenge,
  listPasskeys,
  readPasskey,
  renamePasskey,
  consumeChallenge,
} from "../repositories/passkeys.ts";
import { type Act, type CommandDeps, found, invalidField } from "./call-context.ts";
import { sendSecurityNotice } from "./security-notices.ts";

const Base64url = z
  .string()
  .max(20_000)
  .regex(/^[\w-]+$/, { error: "give base64url" });

/** What `navigator.credentials.create` gives, as JSON (WebAuthn, RegistrationResponseJSON). */
export const Attestation = z.object({
  id: Base64url,
  rawId: Base64url,
  type: z.literal("public-key"),
  response: z.object({
    clientDataJSON: Base64url,
    attestationObject: Base64url,
    transports: z.array(z.string().max(40)).max(20).optional(),
  }),
});
export type Attestation = z.infer<typeof Attestation>;

/** Options for an authenticator to make a passkey: one that is found without a name, and asks who is there. */
export async function challengeRegistration(
  tx: Queryable,
  { caller, nowMs }: Act,
  { kit }: CommandDeps,
) {
  const accountId = caller.id;
  const account = found(await findAccount(tx, accountId), "account");
  const passkeys = await listPasskeys(tx, accountId);
  checkRoom(passkeys);
  const options = await generateRegistrationOptions({
    rpName: "Quarterdeck",
    rpID: relyingParty(kit.url).id,
    userID: new TextEncoder().encode(accountId),
    userName: account.email ?? account.name,
    userDisplayName: account.name,
    timeout: CHALLENGE_MS,
    attestationType: "none",
    excludeCredentials: passkeys.map((it) => ({ id: it.credentialId })),
    authenticatorSelection: { residentKey: "required", userVerification: "required" },
  });
  const expiresAtMs = nowMs + CHALLENGE_MS;
  await saveChallenge(tx, { challenge: options.challenge, accountId, expiresAtMs, nowMs });
  return options;
}

function checkRoom(passkeys: readonly Passkey[]): void {
  if (passkeys.length < PASSKEYS_MAX) return;
  throw new AppError("conflict", `There are ${PASSKEYS_MAX} passkeys already: delete one first.`);
}

/** Keeps the passkey that an authenticator made for the caller. @throws AppError */
export async function registerPasskey(
  tx: Queryable,
  act: Act,
  { kit, audit, body }: CommandDeps & { body: { name: string; credential: Attestation } },
): Promise<Passkey> {
  const accountId = act.caller.id;
  // One after the other: the most passkeys that one may have is counted.
  const account = found(await findAccount(tx, accountId, "lock"), "account");
  checkRoom(await listPasskeys(tx, accountId));
  const { credential, synced } = await verified(tx, act, { kit, given: body.credential });
  const id = newId("pky");
  const facts = { id, accountId, name: body.name, synced, createdAtMs: act.nowMs };
  const passkey = await insertPasskey(tx, { ...facts, credential });
  if (passkey === undefined) throw new AppError("conflict", "This passkey is registered already.");
  await sendSecurityNotice({ kit }, tx, { account, notice: "passkey" });
  const detail = { name: body.name, synced };
  await audit(tx, act, { action: "passkey.create", target: id, accountId, detail });
  return passkey;
}

async function verified(
  tx: Queryable,
  { caller, nowMs }: Act,
  { kit, given }: Pick<CommandDeps, "kit"> & { given: Attestation },
) {
  const { id: expectedRPID, origins: expectedOrigin } = relyingParty(kit.url);
  const transports = (given.response.transports ?? []).flatMap(
    (it) => Transports.safeParse([it]).data ?? [],
  );
  const { registrationInfo } = await verifyRegistrationResponse({
    response: {
      ...given,
      clientExtensionResults: {},
      response: { ...given.response, transports },
    },
    expectedChallenge: (challenge) =>
      consumeChallenge(tx, { challenge, accountId: caller.id, nowMs }),
    expectedOrigin,
    expectedRPID,
    requireUserVerification: true,
  }).catch((error: unknown) => {
    if (error instanceof AppError) throw error;
    throw invalidField("credential", "invalid_passkey", printableReason(error));
  });
  if (registrationInfo === undefined) {
    throw invalidField("credential", "invalid_passkey", "it could not be verified");
  }
  const { credential, credentialDeviceType } = registrationInfo;
  return { credential, synced: credentialDeviceType === "multiDevice" };
}

type Request = CommandDeps & { id: string; ifMatch: number | undefined };

export async function changePasskey(
  tx: Queryable,
  act: Act,
  { audit, id, ifMatch, name }: Request & { name: string },
): Promise<Passkey> {
  const { accountId } = await own(tx, act, { id, ifMatch });
  await renamePasskey(tx, id, name);
  await audit(tx, act, { action: "passkey.change", target: id, accountId, detail: { name } });
  return found(await readPasskey(tx, id), "passkey");
}

export async function removePasskey(
  tx: Queryable,
  act: Act,
  { audit, id, ifMatch }: Request,
): Promise<void> {
  const { accountId, name } = await own(tx, act, { id, ifMatch });
  await deletePasskey(tx, id);
  await audit(tx, act, { action: "passkey.delete", target: id, accountId, detail: { name } });
}

async function own(
  tx: Queryable,
  { caller }: Act,
  { id, ifMatch }: Pick<Request, "id" | "ifMatch">,
): Promise<Passkey> {
  const passkey = found(await readPasskey(tx, id, "FOR UPDATE"), "passkey");
  const mine = found(passkey.accountId === caller.id ? passkey : undefined, "passkey");
  checkVersion(ifMatch, mine.version);
  return mine;
}
