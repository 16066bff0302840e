import { z } from "zod";

import { type Route, route } from "#platform/http/route.ts";

import {
  throttledByCode,
  confirmAuthenticator,
  enrolAuthenticator,
  removeAuthenticator,
  renewRecoveryCodes,
} from "../commands/authenticator-app.ts";
import type { AccountsDeps } from "../deps.ts";
import { countRecoveryCodes, readTotp } from "../repositories/second-factors.ts";
import { ownAction } from "./account-access.ts";
import { AccountParams, Otp, Password } from "./wire.ts";

const tag = "Second factor";
const path = "/v1/accounts/{accountId}/authenticator";
const own = { rule: { allow: "signed-in" }, params: AccountParams, tag } as const;
const Codes = z.strictObject({
  recoveryCodes: z.array(z.string()).meta({ description: "Returned only here: keep them." }),
});

const read = (deps: AccountsDeps): Route =>
  route({
    ...own,
    method: "GET",
    path,
    operationId: "readAuthenticator",
    summary: "Get the state of the second factor and the number of unused recovery codes",
    responses: {
      200: {
        description: "The state",
        body: z.strictObject({ enabled: z.boolean(), recoveryCodesLeft: z.int() }),
      },
    },
    async handle(call) {
      const { accountId } = ownAction(call);
      const totp = await readTotp(deps.kit.database, accountId);
      const recoveryCodesLeft = await countRecoveryCodes(deps.kit.database, accountId);
      return {
        status: 200,
        body: { enabled: typeof totp?.confirmedAtMs === "number", recoveryCodesLeft },
      };
    },
  });

const enrol = (deps: AccountsDeps): Route =>
  route({
    ...own,
    method: "POST",
    path,
    operationId: "enrolAuthenticator",
    summary: "Create a secret for an authenticator app, to be confirmed by a code",
    body: z.strictObject({ password: Password }),
    idempotency: "optional",
    responses: {
      201: {
        description: "The secret, returned only here",
        body: z.strictObject({ secret: z.string(), uri: z.string() }),
      },
    },
    async handle(call) {
      const action = ownAction(call);
      const { sessionId } = call.caller;
      await deps.credentials.confirmPassword({ ...action, ...call.body, sessionId });
      return call.write(async (tx) => ({
        status: 201,
        body: await enrolAuthenticator(deps, tx, action),
      }));
    },
  });

const confirm = (deps: AccountsDeps): Route =>
  route({
    ...own,
    method: "POST",
    path: `${path}/confirm`,
    operationId: "confirmAuthenticator",
    summary: "Confirm the authenticator app by a code; sign-in requires a code from now on",
    body: z.strictObject({ code: Otp }),
    idempotency: "optional",
    limit: { burst: 10, perMinute: 6 },
    responses: { 201: { description: "Recovery codes", body: Codes } },
    handle: (call) =>
      call.write(async (tx) => {
        const recoveryCodes = await confirmAuthenticator(deps, tx, {
          ...ownAction(call),
          ...call.body,
        });
        return { status: 201, body: { recoveryCodes } };
      }),
  });

const PasswordAndCode = z.strictObject({ password: Password, code: Otp });

const confirmedAction = (
  call: Parameters<typeof ownAction>[0] & { body: z.infer<typeof PasswordAndCode> },
) => ({
  ...ownAction(call),
  ...call.body,
  sessionId: call.caller.sessionId,
});

const renew = (deps: AccountsDeps): Route =>
  route({
    ...own,
    method: "POST",
    path: `${path}/recovery-codes`,
    operationId: "renewRecoveryCodes",
    summary: "Replace the recovery codes",
    body: PasswordAndCode,
    idempotency: "optional",
    responses: { 201: { description: "Recovery codes", body: Codes } },
    async handle(call) {
      const action = confirmedAction(call);
      await deps.credentials.confirmPassword(action);
      return throttledByCode(deps, action, () =>
        call.write(async (tx) => ({
          status: 201,
          body: { recoveryCodes: await renewRecoveryCodes(deps, tx, action) },
        })),
      );
    },
  });

const remove = (deps: AccountsDeps): Route =>
  route({
    ...own,
    method: "POST",
    path: `${path}/remove`,
    operationId: "removeAuthenticator",
    summary: "Remove the second factor; requires the password and a code",
    body: PasswordAndCode,
    responses: { 204: { description: "Removed" } },
    async handle(call) {
      const action = confirmedAction(call);
      await deps.credentials.confirmPassword(action);
      return throttledByCode(deps, action, () =>
        call.write(async (tx) => {
          await removeAuthenticator(deps, tx, action);
          return { status: 204 };
        }),
      );
    },
  });

/** The authenticator app (TOTP, RFC 6238) and its recovery codes. */
export const secondFactorRoutes = (deps: AccountsDeps): Route[] => [
  read(deps),
  enrol(deps),
  confirm(deps),
  renew(deps),
  remove(deps),
];
