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
import { ownActOf } from "./account-access.ts";
import { AccountParams, Otp, Password } from "./wire.ts";

const tag = "Second factor";
const path = "/v1/accounts/{accountId}/authenticator";
const own = { rule: { allow: "signed-in" }, params: AccountParams, tag } as const;
const Codes = z.strictObject({
  recoveryCodes: z.array(z.string()).meta({ description: "Shown this once: keep them." }),
});

const read = (deps: AccountsDeps): Route =>
  route({
    ...own,
    method: "GET",
    path,
    operationId: "readAuthenticator",
    summary: "Whether one's own account asks for a code, and how many recovery codes are left",
    answers: {
      200: {
        description: "As it is",
        body: z.strictObject({ enabled: z.boolean(), recoveryCodesLeft: z.int() }),
      },
    },
    async handle(call) {
      const { accountId } = ownActOf(call);
      const totp = await readTotp(deps.kit.database, accountId);
      const recoveryCodesLeft = await countRecoveryCodes(deps.kit.database, accountId);
      return { status: 200, body: { enabled: totp?.isConfirmed === true, recoveryCodesLeft } };
    },
  });

const enrol = (deps: AccountsDeps): Route =>
  route({
    ...own,
    method: "POST",
    path,
    operationId: "enrolAuthenticator",
    summary: "Gives a secret for an authenticator app; a code confirms it",
    body: z.strictObject({ password: Password }),
    idempotency: "optional",
    answers: {
      201: {
        description: "The secret, shown this once",
        body: z.strictObject({ secret: z.string(), uri: z.string() }),
      },
    },
    async handle(call) {
      const act = ownActOf(call);
      const { sessionId } = call.caller;
      await deps.credentials.confirmPassword({ ...act, ...call.body, sessionId });
      return call.write(async (tx) => ({
        status: 201,
        body: await enrolAuthenticator(deps, tx, act),
      }));
    },
  });

const confirm = (deps: AccountsDeps): Route =>
  route({
    ...own,
    method: "POST",
    path: `${path}/confirm`,
    operationId: "confirmAuthenticator",
    summary: "Shows a first code: from now on sign-in asks for one",
    body: z.strictObject({ code: Otp }),
    idempotency: "optional",
    limit: { burst: 10, perMinute: 6 },
    answers: { 201: { description: "Recovery codes", body: Codes } },
    handle: (call) =>
      call.write(async (tx) => {
        const act = { ...ownActOf(call), ...call.body };
        return { status: 201, body: { recoveryCodes: await confirmAuthenticator(deps, tx, act) } };
      }),
  });

const Grave = z.strictObject({ password: Password, code: Otp });

const graveActOf = (call: Parameters<typeof ownActOf>[0] & { body: z.infer<typeof Grave> }) => ({
  ...ownActOf(call),
  ...call.body,
  sessionId: call.caller.sessionId,
});

const renew = (deps: AccountsDeps): Route =>
  route({
    ...own,
    method: "POST",
    path: `${path}/recovery-codes`,
    operationId: "renewRecoveryCodes",
    summary: "Gives new recovery codes in place of the old ones",
    body: Grave,
    idempotency: "optional",
    answers: { 201: { description: "Recovery codes", body: Codes } },
    async handle(call) {
      const act = graveActOf(call);
      await deps.credentials.confirmPassword(act);
      return throttledByCode(deps, act, () =>
        call.write(async (tx) => ({
          status: 201,
          body: { recoveryCodes: await renewRecoveryCodes(deps, tx, act) },
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
    summary: "Takes the second factor away, for the password and a code",
    body: Grave,
    answers: { 204: { description: "Taken away" } },
    async handle(call) {
      const act = graveActOf(call);
      await deps.credentials.confirmPassword(act);
      return throttledByCode(deps, act, () =>
        call.write(async (tx) => {
          await removeAuthenticator(deps, tx, act);
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
