import type { IncomingMessage } from "node:http";

import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { type ResponseSpecs, type Call, type Route, route } from "#platform/http/route.ts";
import { Email } from "#platform/http/schema.ts";

import type { CommandDeps } from "../commands/call-context.ts";
import { SecondFactorRequired } from "../commands/check-credentials.ts";
import { signInToClient } from "../commands/oauth-sign-in.ts";
import { checkPasskey, parseAssertion } from "../commands/passkey-sign-in.ts";
import { auditingUsedCodes } from "../commands/sign-in.ts";
import { originOf } from "../deps.ts";
import { isRegistered } from "../domain/clients.ts";
import { type AuthorizationRequest, OAuthError, checkAuthorization } from "../domain/oauth.ts";
import { relyingParty } from "../domain/passkeys.ts";
import { type OAuthClient, readClient } from "../repositories/clients.ts";
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
  200: { description: "The sign-in page", media: PAGE },
  303: { description: "Redirect to the client, with a code or an error" },
  400: { description: "Error page: the client or its redirect_uri is invalid", media: PAGE },
  401: { description: "The sign-in page: credentials refused", media: PAGE },
  403: { description: "The sign-in page: CSRF token missing or invalid", media: PAGE },
  429: { description: "The sign-in page: too many attempts", media: PAGE },
  503: { description: "The sign-in page: temporarily unavailable", media: PAGE },
} satisfies ResponseSpecs;
const RULE = { allow: "anyone", why: "users sign in here" } as const;
const tag = "OAuth and OpenID Connect";

export function oauthAuthorizeRoutes(deps: CommandDeps): Route[] {
  const guard = csrfGuard(deps.kit.secret("sign-in page"), deps.kit.url);
  return [
    route({
      method: "GET",
      path: "/oauth/authorize",
      operationId: "oauthAuthorize",
      tag,
      summary:
        "Show the sign-in page of a client (OpenID Connect authorization code flow with PKCE)",
      description:
        "redirect_uri must match a registered one exactly; on 127.0.0.1 and [::1] with any port. Clients are first-party: users are not asked for consent. There is no single sign-on: users sign in each time.",
      rule: RULE,
      query: Query,
      responses: ANSWERS,
      handle: (call) =>
        authorized(deps, call.incoming, (request) => page({ deps, guard }, call, request)),
    }),
    route({
      method: "POST",
      path: "/oauth/authorize",
      operationId: "oauthSignIn",
      tag,
      summary: "Submit the sign-in page",
      rule: RULE,
      query: Query,
      consumes: [FORM],
      responses: ANSWERS,
      handle: (call) =>
        authorized(deps, call.incoming, (request) => signIn({ deps, guard }, call, request)),
    }),
  ];
}

type Request = AuthorizationRequest & { client: OAuthClient };
type Page = { deps: CommandDeps; guard: CsrfGuard };
type AnyCall = Pick<Call<never, never, never, never>, "incoming" | "caller" | "traceId" | "nowMs">;

/** Runs `work` for a valid request. Errors are redirected to the client if the redirect_uri is registered, else shown. */
async function authorized(
  deps: CommandDeps,
  incoming: IncomingMessage,
  work: (request: Request) => Promise<Response>,
): Promise<Response> {
  const query = new Map(new URL(incoming.url ?? "/", "http://localhost").searchParams);
  const clientId = query.get("client_id") ?? "";
  const redirectUri = query.get("redirect_uri") ?? "";
  const client = await readClient(deps.kit.database, clientId.slice(0, 100));
  if (client === undefined) return invalidRequest("The application that sent you here is unknown.");
  if (!isRegistered(client.redirectUris, redirectUri)) {
    return invalidRequest("The application that sent you here uses an unregistered address.");
  }
  try {
    const parameters = parametersOf(new URL(incoming.url ?? "/", "http://localhost").search);
    return await work({ ...checkAuthorization(parameters, { clientId, redirectUri }), client });
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    const response = { error: error.code, error_description: error.message };
    return redirect(deps, { redirectUri, state: query.get("state") }, response);
  }
}

const invalidRequest = (message: string): Promise<Response> =>
  messagePage(
    "You cannot sign in here",
    `${message} Go back and report this to its operators.`,
    400,
  );

/** Redirects to the client, with the issuer (RFC 9207). */
function redirect(
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

type Retry = { message?: string; status?: number; email?: string | undefined; waitMs?: number };

function page(
  { deps, guard }: Page,
  { incoming }: Pick<AnyCall, "incoming">,
  { client, redirectUri, retry = {} }: Request & { retry?: Retry },
): Promise<Response> {
  const { field, cookies } = guard.issue(incoming);
  const { waitMs, ...shown } = retry;
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

async function signIn(context: Page, call: AnyCall, request: Request): Promise<Response> {
  const { deps, guard } = context;
  const form = await readForm(call.incoming);
  const email = form.get("email")?.slice(0, 254);
  const showAgain = (retry: Retry): Promise<Response> =>
    page(context, call, { ...request, retry: { email, ...retry } });
  if (!guard.verify(call.incoming, form.get("csrf"))) {
    return showAgain({ status: 403, message: "This page has expired. Try again." });
  }
  try {
    const origin = originOf(call);
    const proof = await credentialsOf(context, call, form);
    const { code, started } = await auditingUsedCodes(deps, origin, () =>
      deps.kit.database.transaction((tx) =>
        signInToClient(tx, request, { sessions: deps.sessions, proof: { ...proof, origin } }),
      ),
    );
    deps.sessions.announceStart({ accountId: proof.accountId, origin }, started.session.id);
    const response = redirect(deps, request, { code });
    response.headers.append("set-cookie", deviceCookie(deps.kit.url, started.deviceToken));
    return response;
  } catch (error) {
    const shown = error instanceof AppError ? MESSAGES[error.code] : undefined;
    if (!(error instanceof AppError) || shown === undefined) throw error;
    const waitMs = error.waitMs === undefined ? {} : { waitMs: error.waitMs };
    return showAgain({
      ...shown,
      ...(error instanceof SecondFactorRequired ? CODE_REQUIRED : {}),
      ...waitMs,
    });
  }
}

const MESSAGES: Partial<Record<AppError["code"], { status: number; message: string }>> = {
  bad_request: { status: 400, message: "Fill in your e-mail address and your password." },
  unauthenticated: {
    status: 401,
    message: "The e-mail address, the password or the code is wrong.",
  },
  too_many_requests: { status: 429, message: "Too many attempts. Try again later." },
  unavailable: {
    status: 503,
    message: "Sign-in is temporarily unavailable. Try again in a moment.",
  },
};
const CODE_REQUIRED = {
  message: "Enter the code of your authenticator app or a recovery code, and your password again.",
};

const Form = z.object({
  email: Email,
  password: z.string().min(1).max(1_000),
  otp: z.string().max(40).optional(),
});

/** @throws AppError */
async function credentialsOf(
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
  if (!given.success) throw new AppError("bad_request", "The form is incomplete.");
  const deviceToken = guard.deviceOf(call.incoming);
  const { account, ...rest } = await deps.credentials.check({ ...given.data, deviceToken, origin });
  return { accountId: account.id, ...rest };
}
