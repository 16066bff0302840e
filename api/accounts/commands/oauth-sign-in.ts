import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { newToken } from "#platform/secrets.ts";

import type { Origin, Started } from "../deps.ts";
import { type AuthorizationRequest, CODE_MS } from "../domain/oauth.ts";
import type { SignInMethod } from "../domain/sign-in-method.ts";
import { readClient } from "../repositories/clients.ts";
import { insertSignIn } from "../repositories/oauth-sign-ins.ts";
import type { CommandDeps } from "./call-context.ts";
import type { CheckedCredentials } from "./check-credentials.ts";

type Proof = Partial<Pick<CheckedCredentials, "passwordHash" | "secondFactor">> & {
  accountId: string;
  method: SignInMethod;
  origin: Origin;
};

/** Signs somebody in through a client: a session that belongs to the client, and the code that it is fetched by. */
export async function signInToClient(
  tx: Queryable,
  request: AuthorizationRequest,
  { sessions, proof }: Pick<CommandDeps, "sessions"> & { proof: Proof },
): Promise<{ code: string; started: Started }> {
  const { state: _state, ...kept } = request;
  // A client that is being deleted meanwhile is waited for, so that no session is left behind.
  if ((await readClient(tx, request.clientId, "FOR KEY SHARE OF c")) === undefined) {
    throw new AppError("unauthenticated", "This client was deleted meanwhile.");
  }
  const started = await sessions.start(tx, { ...proof, clientId: request.clientId });
  const code = newToken();
  await insertSignIn(tx, {
    ...kept,
    code,
    sessionId: started.session.id,
    expiresAtMs: proof.origin.nowMs + CODE_MS,
  });
  return { code, started };
}
