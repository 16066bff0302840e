import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Caller } from "#platform/http/caller.ts";
import { versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, idOf, text } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";

import type { CommandDeps } from "../commands/call-context.ts";
import {
  Attestation,
  challengeRegistration,
  changePasskey,
  registerPasskey,
  removePasskey,
} from "../commands/change-passkeys.ts";
import { originOf } from "../deps.ts";
import { type Passkey, listPasskeys } from "../repositories/passkeys.ts";
import { Password } from "./wire.ts";

const PasskeyBody = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    synced: z.boolean(),
    version: z.int(),
    createdAt: Timestamp,
    lastUsedAt: Timestamp.nullable(),
  })
  .meta({ id: "Passkey" });

const bodyOf = (it: Passkey) => toBody(PasskeyBody, it);

/** For `PublicKeyCredential.parse…OptionsFromJSON(publicKey)` in browsers. */
export const PublicKeyOptions = z.strictObject({
  publicKey: z.looseObject({ challenge: z.string() }),
});

const rule = { allow: "signed-in" } as const;
const params = z.strictObject({ passkeyId: idOf("pky") });
const Name = text({ max: 100 });
const tag = "Passkeys";

/** @throws AppError forbidden for callers that are not accounts */
function checkAccount(caller: Caller): void {
  if (caller.kind === "account") return;
  throw new AppError("forbidden", "Passkeys belong to accounts: sign in with one.");
}

export const passkeyRoutes = (deps: CommandDeps): Route[] => [
  listRoute,
  challengeRoute(deps),
  registerRoute(deps),
  renameRoute(deps),
  deleteRoute(deps),
];

const listRoute = route({
  method: "GET",
  path: "/v1/passkeys",
  operationId: "listPasskeys",
  tag,
  summary: "List the caller's passkeys, oldest first",
  rule,
  responses: {
    200: { description: "All passkeys", body: z.strictObject({ items: z.array(PasskeyBody) }) },
  },
  async handle({ caller, read }) {
    checkAccount(caller);
    return { status: 200, body: { items: (await listPasskeys(read, caller.id)).map(bodyOf) } };
  },
});

const challengeRoute = (deps: CommandDeps): Route =>
  route({
    method: "POST",
    path: "/v1/passkeys/registrations",
    operationId: "challengePasskey",
    tag,
    summary: "Get the options to register a passkey",
    description: "Requires the password. The challenge is valid once, for five minutes.",
    rule,
    body: z.strictObject({ password: Password }),
    idempotency: "optional",
    responses: { 201: { description: "The options", body: PublicKeyOptions } },
    async handle(call) {
      const { caller, body } = call;
      checkAccount(caller);
      const { id: accountId, sessionId } = caller;
      const origin = originOf(call);
      await deps.credentials.confirmPassword({ ...body, accountId, sessionId, origin });
      return call.write(async (tx) => ({
        status: 201,
        body: { publicKey: { ...(await challengeRegistration(tx, call, deps)) } },
      }));
    },
  });

const registerRoute = (deps: CommandDeps): Route =>
  route({
    method: "POST",
    path: "/v1/passkeys",
    operationId: "registerPasskey",
    tag,
    summary: "Register a passkey",
    rule,
    body: z.strictObject({ name: Name, credential: Attestation }),
    idempotency: "optional",
    responses: { 201: { description: "Registered", body: PasskeyBody } },
    handle(call) {
      checkAccount(call.caller);
      return call.write(async (tx) => {
        const passkey = await registerPasskey(tx, call, { ...deps, body: call.body });
        return versioned(201, bodyOf(passkey));
      });
    },
  });

const renameRoute = (deps: CommandDeps): Route =>
  route({
    method: "PATCH",
    path: "/v1/passkeys/{passkeyId}",
    operationId: "renamePasskey",
    tag,
    summary: "Rename a passkey",
    rule,
    params,
    body: z.strictObject({ name: Name }),
    ifMatch: "required",
    responses: { 200: { description: "Renamed", body: PasskeyBody } },
    handle: (call) =>
      call.write(async (tx) => {
        const {
          ifMatch,
          body,
          params: { passkeyId: id },
        } = call;
        const request = { ...deps, ...body, id, ifMatch };
        return versioned(200, bodyOf(await changePasskey(tx, call, request)));
      }),
  });

const deleteRoute = (deps: CommandDeps): Route =>
  route({
    method: "DELETE",
    path: "/v1/passkeys/{passkeyId}",
    operationId: "deletePasskey",
    tag,
    summary: "Delete a passkey",
    rule,
    params,
    ifMatch: "required",
    responses: { 204: { description: "Deleted" } },
    handle: (call) =>
      call.write(async (tx) => {
        const {
          ifMatch,
          params: { passkeyId: id },
        } = call;
        await removePasskey(tx, call, { ...deps, id, ifMatch });
        return { status: 204 };
      }),
  });
