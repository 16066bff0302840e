import type { IncomingMessage } from "node:http";

import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { type AnswerSpecs, type Call, type Route, route } from "#platform/http/route.ts";
import { Email } from "#platform/http/schema.ts";

import type { CommandDeps } from "../commands/call-context.ts";
import { SecondFactorNeeded } from "../commands/check-credentials.ts";
import { signInToClient } from "../commands/oauth-sign-in.ts";
import { checkPasskey, parseAssertion } from "../commands/passkey-sign-in.ts";
import { auditingUsedCodes } from "../commands/sign-in.ts";
import { originOf } from "../deps.ts";
import { type OAuthClient, isRegistered } from "../domain/clients.ts";
import { type AuthorizationRequest, OAuthError, checkAuthorization } from "../domain/oauth.ts";
import { relyingParty } from "../domain/passkeys.ts";
import { readClient } from "../repositories/clients.ts";
import { type CsrfGuard, deviceCookie, csrfGuard } from "./csrf.ts";
import { messagePage, signInPage } from "./oauth-sign-in-page.ts";
import { FORM, parametersOf, readForm } from "./oauth-wire.ts";

const Query = z.looseObject({
  client_id: z.string().max(2_000).optional(),
  redirect_uri: z.string().max(2_000).optional(),
  response_type: z.string().max(2_000).optional(),
  scope: z.string().max(2_000).optional(),
  state: z.string().max(8_000).optional(),
  nonce: z.string().max(8_000).optional(),
  code_challenge: z.string().max(2_000).optional(),
  code_challenge_method: z.string().max(2_000).optional(),
});
const PAGE = "text/html";
const ANSWERS = {
  200: { description: "The page to sign in on", media: PAGE },
  303: { description: "Back to the client, with a code or an error" },
  400: { description: "A page: the client or its address is not known", media: PAGE },
  401: { description: "The page again: not signed in", media: PAGE },
  403: { description: "The page again: the form was not ours", media: PAGE },
  429: { description: "The page again: too many tries", media: PAGE },
  503: { description: "The page again: not possible just now", media: PAGE },
} satisfies AnswerSpecs;
const WHY = { allow: "anyone", why: "people sign in here" } as const;
const tag = "OAuth and OpenID Connect";

/** Where a client sends people to sign in. */
export function oauthAuthorizeRoutes(deps: CommandDeps): Route[] {
  const guard = csrfGuard(deps.kit.secret("sign-in page"), deps.kit.url);
  return [
    route({
      method: "GET",
      path: "/oauth/authorize",
      operationId: "oauthAuthorize",
      tag,
      summary: "The page on which somebody signs in to a client (OpenID Connect, code with PKCE)",
      description:
        "redirect_uri must be exactly a registered one; on 127.0.0.1 and [::1] with any port. Clients are first-party, so nobody is asked for consent. People sign in each time: there is no session of the browser with us.",
      rule: WHY,
      query: Query,
      answers: ANSWERS,
      handle: (call) =>
        authorized(deps, call.incoming, (request) => page({ deps, guard }, call, request)),
    }),
    route({
      method: "POST",
      path: "/oauth/authorize",
      operationId: "oauthSignIn",
      tag,
      summary: "The form of that page",
      rule: WHY,
      query: Query,
      consumes: [FORM],
      answers: ANSWERS,
      handle: (call) =>
        authorized(deps, call.incoming, (request) => signIn({ deps, guard }, call, request)),
    }),
  ];
}

type Request = AuthorizationRequest & { client: OAuthClient };
type Page = { deps: CommandDeps; guard: CsrfGuard };
type AnyCall = Pick<Call<never, never, never, never>, "incoming" | "caller" | "traceId" | "nowMs">;

/**
 * Does `work` for a request that is in order. What is wrong goes back to the client, but only to an address that is
 * certainly its own: else it is said here.
 */
async function authorized(
  deps: CommandDeps,
  incoming: IncomingMessage,
  work: (request: Request) => Promise<Response>,
): Promise<Response> {
  const query = new Map(new URL(incoming.url ?? "/", "http://here").searchParams);
  const clientId = query.get("client_id") ?? "";
  const redirectUri = query.get("redirect_uri") ?? "";
  const client = await readClient(deps.kit.database, clientId.slice(0, 100));
  if (client === undefined) return refusal("The application that sent you here is not known.");
  if (!isRegistered(client.redirectUris, redirectUri)) {
    return refusal("The application that sent you here wants you back at an unknown address.");
  }
  try {
    const parameters = parametersOf(new URL(incoming.url ?? "/", "http://here").search);
    return await work({ ...checkAuthorization(parameters, { clientId, redirectUri }), client });
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    const answer = { error: error.code, error_description: error.message };
    return back(deps, { redirectUri, state: query.get("state") }, answer);
  }
}

const refusal = (message: string): Promise<Response> =>
  messagePage("You cannot sign in here", `${message} Go back to it and tell its makers.`, 400);

/** To the client, who can tell by `iss` that it is we who answer (RFC 9207). */
function back(
  { kit }: CommandDeps,
  { redirectUri, state }: { redirectUri: string; state: string | undefined },
  parameters: Readonly<Record<string, string>>,
): Response {
  const url = new URL(redirectUri);
  const all = { ...parameters, iss: kit.url, ...(state === undefined ? {} : { state }) };
  for (const [name, value] of Object.entries(all)) url.searchParams.set(name, value);
  return new Response(null, {
    status: 303,
    headers: { location: url.href, "cache-control": "no-store" },
  });
}

type Again = { message?: string; status?: number; email?: string | undefined; waitMs?: number };

function page(
  { deps, guard }: Page,
  { incoming }: Pick<AnyCall, "incoming">,
  { client, redirectUri, again = {} }: Request & { again?: Again },
): Promise<Response> {
  const { field, cookies } = guard.give(incoming);
  const { waitMs, ...shown } = again;
  const wait = waitMs === undefined ? [] : [["retry-after", String(Math.ceil(waitMs / 1_000))]];
  return signInPage({
    client: client.name,
    action: incoming.url ?? "",
    redirectUri,
    rpId: relyingParty(deps.kit.url).id,
    field,
    ...shown,
    headers: [...cookies, ...wait.map(([name = "", value = ""]) => [name, value] as const)],
  });
}

async function signIn(shown: Page, call: AnyCall, request: Request): Promise<Response> {
  const { deps, guard } = shown;
  const form = await readForm(call.incoming);
  const email = form.get("email")?.slice(0, 254);
  const again = (it: Again): Promise<Response> =>
    page(shown, call, { ...request, again: { email, ...it } });
  if (!guard.isOurs(call.incoming, form.get("csrf"))) {
    return again({ status: 403, message: "This page was open for too long. Try it once more." });
  }
  try {
    const origin = originOf(call);
    const proof = await proofOf(shown, call, form);
    const { code, started } = await auditingUsedCodes(deps, origin, () =>
      deps.kit.database.transaction((tx) =>
        signInToClient(tx, request, { sessions: deps.sessions, proof: { ...proof, origin } }),
      ),
    );
    deps.sessions.announceStart({ accountId: proof.accountId, origin }, started.session.id);
    const answer = back(deps, request, { code });
    answer.headers.append("set-cookie", deviceCookie(deps.kit.url, started.deviceToken));
    return answer;
  } catch (error) {
    const said = error instanceof AppError ? SAID[error.code] : undefined;
    if (!(error instanceof AppError) || said === undefined) throw error;
    const waitMs = error.waitMs === undefined ? {} : { waitMs: error.waitMs };
    return again({ ...said, ...(error instanceof SecondFactorNeeded ? NEEDED : {}), ...waitMs });
  }
}

const SAID: Partial<Record<AppError["code"], { status: number; message: string }>> = {
  bad_request: { status: 400, message: "Fill in your e-mail address and your password." },
  unauthenticated: { status: 401, message: "That is not right. Check what you typed." },
  too_many_requests: { status: 429, message: "Too many tries. Wait a little." },
  unavailable: { status: 503, message: "You cannot sign in just now. Try it again in a moment." },
};
const NEEDED = {
  message: "Give the code of your authenticator app, or a recovery code, and your password again.",
};

const Form = z.object({
  email: Email,
  password: z.string().min(1).max(1_000),
  otp: z.string().max(40).optional(),
});

/** @throws AppError */
async function proofOf(
  { deps, guard }: Page,
  call: AnyCall,
  form: ReadonlyMap<string, string>,
): Promise<Omit<Parameters<typeof signInToClient>[2]["proof"], "origin">> {
  const origin = originOf(call);
  const passkey = form.get("passkey");
  if (passkey !== undefined) {
    const assertion = parseAssertion(passkey);
    return { accountId: await checkPasskey(deps, { assertion, origin }), method: "passkey" };
  }
  const given = Form.safeParse(Object.fromEntries(form));
  if (!given.success) throw new AppError("bad_request", "The form is not filled in.");
  const deviceToken = guard.deviceOf(call.incoming);
  const { account, ...rest } = await deps.credentials.check({ ...given.data, deviceToken, origin });
  return { accountId: account.id, ...rest };
}
