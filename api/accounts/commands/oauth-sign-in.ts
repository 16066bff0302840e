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

/** Starts a session that belongs to a client. @returns its authorization code */
export async function signInToClient(
  tx: Queryable,
  request: AuthorizationRequest,
  { sessions, proof }: Pick<CommandDeps, "sessions"> & { proof: Proof },
): Promise<{ code: string; started: Started }> {
  const { state: _state, ...signIn } = request;
  // Waits for a concurrent deletion of the client, so that no session is left behind.
  if ((await readClient(tx, request.clientId, "FOR KEY SHARE")) === undefined) {
    throw new AppError("unauthenticated", "This client was deleted in the meantime.");
  }
  const started = await sessions.start(tx, { ...proof, clientId: request.clientId });
  const code = newToken();
  await insertSignIn(tx, {
    ...signIn,
    code,
    sessionId: started.session.id,
    expiresAtMs: proof.origin.nowMs + CODE_MS,
  });
  return { code, started };
}
