import { generateRegistrationOptions, verifyRegistrationResponse } from "@simplewebauthn/server";
import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { checkVersion } from "#platform/http/etag.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { CHALLENGE_MS, PASSKEYS_MAX, printableReason, relyingParty } from "../domain/passkeys.ts";
import { findAccount } from "../repositories/accounts.ts";
import {
  type Passkey,
  Transports,
  deletePasskey,
  insertPasskey,
  saveChallenge,
  listPasskeys,
  lockPasskey,
  renamePasskey,
  consumeChallenge,
} from "../repositories/passkeys.ts";
import { type CallContext, type CommandDeps, found, invalidField } from "./call-context.ts";
import { Base64url } from "./passkey-sign-in.ts";
import { sendSecurityNotice } from "./security-notices.ts";

/** RegistrationResponseJSON of WebAuthn. */
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

/** Options to create a discoverable credential with user verification. */
export async function challengeRegistration(
  tx: Queryable,
  { caller, nowMs }: CallContext,
  { kit }: CommandDeps,
) {
  const accountId = caller.id;
  const account = found(await findAccount(tx, accountId), "account");
  const passkeys = await listPasskeys(tx, accountId);
  checkLimit(passkeys);
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

function checkLimit(passkeys: readonly Passkey[]): void {
  if (passkeys.length < PASSKEYS_MAX) return;
  throw new AppError(
    "conflict",
    `The limit of ${PASSKEYS_MAX} passkeys is reached: delete one first.`,
  );
}

export async function registerPasskey(
  tx: Queryable,
  call: CallContext,
  { kit, audit, body }: CommandDeps & { body: { name: string; credential: Attestation } },
): Promise<Passkey> {
  const accountId = call.caller.id;
  // The lock serialises registrations, so that the limit cannot be exceeded.
  const account = found(await findAccount(tx, accountId, "lock"), "account");
  checkLimit(await listPasskeys(tx, accountId));
  const { credential, synced } = await verifyAttestation(tx, call, {
    kit,
    attestation: body.credential,
  });
  const id = newId("pky");
  const created = { id, accountId, name: body.name, synced, createdAtMs: call.nowMs };
  const passkey = await insertPasskey(tx, { ...created, credential });
  if (passkey === undefined) throw new AppError("conflict", "This passkey is already registered.");
  await sendSecurityNotice({ kit }, tx, { account, notice: "passkey" });
  const detail = { name: body.name, synced };
  await audit(tx, call, { action: "passkey.create", target: id, accountId, detail });
  return passkey;
}

async function verifyAttestation(
  tx: Queryable,
  { caller, nowMs }: CallContext,
  { kit, attestation }: Pick<CommandDeps, "kit"> & { attestation: Attestation },
) {
  const { id: expectedRPID, origins: expectedOrigin } = relyingParty(kit.url);
  const transports = (attestation.response.transports ?? []).flatMap(
    (it) => Transports.safeParse([it]).data ?? [],
  );
  const { registrationInfo } = await verifyRegistrationResponse({
    response: {
      ...attestation,
      clientExtensionResults: {},
      response: { ...attestation.response, transports },
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
  call: CallContext,
  { audit, id, ifMatch, name }: Request & { name: string },
): Promise<Passkey> {
  const { accountId } = await lockOwnPasskey(tx, call, { id, ifMatch });
  const passkey = await renamePasskey(tx, id, name);
  await audit(tx, call, { action: "passkey.change", target: id, accountId, detail: { name } });
  return passkey;
}

export async function removePasskey(
  tx: Queryable,
  call: CallContext,
  { audit, id, ifMatch }: Request,
): Promise<void> {
  const { accountId, name } = await lockOwnPasskey(tx, call, { id, ifMatch });
  await deletePasskey(tx, id);
  await audit(tx, call, { action: "passkey.delete", target: id, accountId, detail: { name } });
}

async function lockOwnPasskey(
  tx: Queryable,
  { caller }: CallContext,
  { id, ifMatch }: Pick<Request, "id" | "ifMatch">,
): Promise<Passkey> {
  const passkey = await lockPasskey(tx, id);
  const own = found(passkey?.accountId === caller.id ? passkey : undefined, "passkey");
  checkVersion(ifMatch, own.version);
  return own;
}
