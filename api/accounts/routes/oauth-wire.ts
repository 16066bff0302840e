import type { IncomingMessage } from "node:http";

import { AppError } from "#platform/errors.ts";
import { readBytes } from "#platform/http/read-body.ts";

import type { CommandDeps } from "../commands/call-context.ts";
import { OAuthError } from "../domain/oauth.ts";
import { type OAuthClient, authenticateClient } from "../repositories/clients.ts";

export const FORM = "application/x-www-form-urlencoded";
const FORM_BYTES_MAX = 32 * 1024;

/** JSON that must not be cached (RFC 6749, 5.1). */
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

/** Responds to OAuth errors as RFC 6749 (5.2) requires; other errors are rethrown. */
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

/** @throws OAuthError invalid_request */
export async function readForm(incoming: IncomingMessage): Promise<ReadonlyMap<string, string>> {
  const type = (incoming.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== FORM) throw new OAuthError("invalid_request", `the content type must be ${FORM}`);
  const bytes = await readBytes(incoming, FORM_BYTES_MAX).catch((error: unknown) => {
    throw error instanceof AppError ? new OAuthError("invalid_request", error.message) : error;
  });
  return parametersOf(bytes.toString());
}

/** Parameters, each at most once; empty ones count as omitted (RFC 6749, 3.1). @throws OAuthError invalid_request */
export function parametersOf(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (value === "") continue;
    if (values.has(name)) throw new OAuthError("invalid_request", `${name} is given twice`);
    if (value.includes("\0")) throw new OAuthError("invalid_request", `${name} contains a NUL`);
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

/** Credentials in the header or the form, not in both (RFC 6749, 2.3). @throws OAuthError */
export function clientCredentialsOf(
  incoming: IncomingMessage,
  form: ReadonlyMap<string, string>,
): ClientCredentials {
  const { authorization } = incoming.headers;
  if (authorization === undefined) {
    return { id: requireParameter(form, "client_id"), secret: form.get("client_secret") };
  }
  if (form.has("client_secret")) {
    throw new OAuthError("invalid_request", "use only one client authentication method");
  }
  const [, encoded = ""] = /^Basic ([\w+/=-]+)$/i.exec(authorization) ?? [];
  const [id, secret] = Buffer.from(encoded, "base64").toString().split(":", 2).map(formDecode);
  if (id === undefined || secret === undefined || (form.get("client_id") ?? id) !== id) {
    throw new OAuthError("invalid_client", "the Authorization header is invalid");
  }
  return { id, secret };
}

function formDecode(text: string): string | undefined {
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
  throw new OAuthError("invalid_client", "unknown client or wrong secret");
}
