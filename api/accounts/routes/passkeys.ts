import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Caller } from "#platform/http/caller.ts";
import { etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, idOf, text, iso, isoOrNull } from "#platform/http/schema.ts";

import type { CommandDeps } from "../commands/call-context.ts";
import {
  Attestation,
  challengeRegistration,
  changePasskey,
  registerPasskey,
  removePasskey,
} from "../commands/change-passkeys.ts";
import { originOf } from "../deps.ts";
import type { Passkey } from "../domain/passkeys.ts";
import { listPasskeys } from "../repositories/passkeys.ts";
import { Password } from "./wire.ts";

const Answer = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    synced: z.boolean(),
    version: z.int(),
    createdAt: Timestamp,
    lastUsedAt: Timestamp.nullable(),
  })
  .meta({ id: "Passkey" });

const answerOf = ({ id, name, synced, version, createdAtMs, lastUsedAtMs }: Passkey) => ({
  id,
  name,
  synced,
  version,
  createdAt: iso(createdAtMs),
  lastUsedAt: isoOrNull(lastUsedAtMs),
});

/** Options in the form that browsers parse: `PublicKeyCredential.parse…OptionsFromJSON(publicKey)`. */
export const PublicKeyOptions = z.strictObject({
  publicKey: z.looseObject({ challenge: z.string() }),
});

const SIGNED_IN = { allow: "signed-in" } as const;
const Params = z.strictObject({ passkeyId: idOf("pky") });
const Name = text({ max: 100 });
const tag = "Passkeys";

/** @throws AppError forbidden for what is no account */
function checkAccount(caller: Caller): void {
  if (caller.kind === "account") return;
  throw new AppError("forbidden", "Passkeys belong to people: sign in with an account.");
}

/** The passkeys of whoever is signed in. */
export const passkeyRoutes = (deps: CommandDeps): Route[] => [
  route({
    method: "GET",
    path: "/v1/passkeys",
    operationId: "listPasskeys",
    tag,
    summary: "Your passkeys, the oldest first",
    rule: SIGNED_IN,
    answers: {
      200: { description: "All of them", body: z.strictObject({ items: z.array(Answer) }) },
    },
    async handle({ caller, read }) {
      checkAccount(caller);
      return { status: 200, body: { items: (await listPasskeys(read, caller.id)).map(answerOf) } };
    },
  }),
  ...registering(deps),
  ...changing(deps),
];

const registering = (deps: CommandDeps): Route[] => [
  route({
    method: "POST",
    path: "/v1/passkeys/registrations",
    operationId: "challengePasskey",
    tag,
    summary: "Begins to register a passkey: gives the options for the authenticator",
    description:
      "Asks for the password again: a passkey is a way in. The challenge is good for five minutes, once.",
    rule: SIGNED_IN,
    body: z.strictObject({ password: Password }),
    idempotency: "optional",
    answers: { 201: { description: "The options", body: PublicKeyOptions } },
    async handle(call) {
      const { caller, body } = call;
      checkAccount(caller);
      const { id: accountId, sessionId } = caller;
      const origin = originOf(call);
      const { password } = body;
      await deps.credentials.confirmPassword({ accountId, sessionId, password, origin });
      return call.write(async (tx) => ({
        status: 201,
        body: { publicKey: { ...(await challengeRegistration(tx, call, deps)) } },
      }));
    },
  }),
  route({
    method: "POST",
    path: "/v1/passkeys",
    operationId: "registerPasskey",
    tag,
    summary: "Keeps the passkey that the authenticator made",
    rule: SIGNED_IN,
    body: z.strictObject({ name: Name, credential: Attestation }),
    idempotency: "optional",
    answers: { 201: { description: "Kept", body: Answer } },
    handle(call) {
      checkAccount(call.caller);
      return call.write(async (tx) => {
        const passkey = await registerPasskey(tx, call, { ...deps, body: call.body });
        return { status: 201, headers: etagOf(passkey.version), body: answerOf(passkey) };
      });
    },
  }),
];

const changing = (deps: CommandDeps): Route[] => [
  route({
    method: "PATCH",
    path: "/v1/passkeys/{passkeyId}",
    operationId: "renamePasskey",
    tag,
    summary: "Renames a passkey",
    rule: SIGNED_IN,
    params: Params,
    body: z.strictObject({ name: Name }),
    ifMatch: "required",
    answers: { 200: { description: "Renamed", body: Answer } },
    handle: (call) =>
      call.write(async (tx) => {
        const { ifMatch, body, params } = call;
        const request = { ...deps, id: params.passkeyId, ifMatch, name: body.name };
        const passkey = await changePasskey(tx, call, request);
        return { status: 200, headers: etagOf(passkey.version), body: answerOf(passkey) };
      }),
  }),
  route({
    method: "DELETE",
    path: "/v1/passkeys/{passkeyId}",
    operationId: "deletePasskey",
    tag,
    summary: "Deletes a passkey: it signs nobody in any more",
    rule: SIGNED_IN,
    params: Params,
    ifMatch: "required",
    answers: { 204: { description: "Gone" } },
    handle: (call) =>
      call.write(async (tx) => {
        await removePasskey(tx, call, {
          ...deps,
          id: call.params.passkeyId,
          ifMatch: call.ifMatch,
        });
        return { status: 204 };
      }),
  }),
];
