import type { IncomingMessage } from "node:http";

import { AppError } from "#platform/errors.ts";
import { readBytes } from "#platform/http/request-input.ts";

import type { CommandDeps } from "../commands/call-context.ts";
import type { OAuthClient } from "../domain/clients.ts";
import { OAuthError } from "../domain/oauth.ts";
import { authenticateClient } from "../repositories/clients.ts";

export const FORM = "application/x-www-form-urlencoded";
const FORM_BYTES_MAX = 32 * 1024;

/** JSON of OAuth's endpoints, which nobody may keep. */
export const oauthJson = (
  body: unknown,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): Response =>
  new Response(JSON.stringify(body), {
    status,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      pragma: "no-cache",
      ...headers,
    },
  });

/** Answers an error as RFC 6749 (5.2) says; what is none of OAuth's goes on as it is. */
export async function withOAuthErrors(
  incoming: IncomingMessage,
  work: () => Promise<Response>,
): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    const body = { error: error.code, error_description: error.message };
    const challenge =
      error.code === "invalid_client" && incoming.headers.authorization !== undefined
        ? { "www-authenticate": 'Basic realm="clients"' }
        : {};
    return oauthJson(body, {
      status: error.code === "invalid_client" ? 401 : 400,
      headers: challenge,
    });
  }
}

/** A form, each parameter once (RFC 6749, 3.2). @throws OAuthError invalid_request */
export async function readForm(incoming: IncomingMessage): Promise<ReadonlyMap<string, string>> {
  const type = (incoming.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== FORM) throw new OAuthError("invalid_request", `send a form, as ${FORM}`);
  const bytes = await readBytes(incoming, FORM_BYTES_MAX).catch((error: unknown) => {
    throw error instanceof AppError ? new OAuthError("invalid_request", error.message) : error;
  });
  return parametersOf(bytes.toString());
}

/** Parameters by name; an empty one counts as left out (RFC 6749, 3.1). @throws OAuthError invalid_request */
export function parametersOf(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (value === "") continue;
    if (values.has(name)) throw new OAuthError("invalid_request", `${name} is there twice`);
    if (value.includes("\0")) throw new OAuthError("invalid_request", `${name} has a NUL in it`);
    values.set(name, value);
  }
  return values;
}

/** @throws OAuthError invalid_request */
export function requireParameter(form: ReadonlyMap<string, string>, name: string): string {
  const value = form.get(name);
  if (value === undefined) throw new OAuthError("invalid_request", `${name} is missing`);
  return value;
}

export type ClientCredentials = { id: string; secret: string | undefined };

/** How a client proves itself: in the header or in the form, not in both (RFC 6749, 2.3). @throws OAuthError */
export function clientCredentialsOf(
  incoming: IncomingMessage,
  form: ReadonlyMap<string, string>,
): ClientCredentials {
  const { authorization } = incoming.headers;
  if (authorization === undefined) {
    return { id: requireParameter(form, "client_id"), secret: form.get("client_secret") };
  }
  if (form.has("client_secret")) {
    throw new OAuthError("invalid_request", "send the secret in one way, not in two");
  }
  const [, encoded = ""] = /^Basic ([\w+/=-]+)$/i.exec(authorization) ?? [];
  const [id, secret] = Buffer.from(encoded, "base64").toString().split(":", 2).map(formDecoded);
  if (id === undefined || secret === undefined || (form.get("client_id") ?? id) !== id) {
    throw new OAuthError("invalid_client", "the Authorization header names no client");
  }
  return { id, secret };
}

function formDecoded(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text.replaceAll("+", " "));
    return decoded.includes("\0") ? undefined : decoded;
  } catch {
    return undefined;
  }
}

/** @throws OAuthError invalid_client */
export async function requireClient(
  { kit }: Pick<CommandDeps, "kit">,
  { id, secret }: ClientCredentials,
): Promise<OAuthClient> {
  const client = await authenticateClient(kit.database, id, secret);
  if (client !== undefined) return client;
  throw new OAuthError("invalid_client", "the client or its secret is not known");
}
