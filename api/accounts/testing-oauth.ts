import * as oidc from "openid-client";
import { expect } from "vitest";
import { z } from "zod";

import { testAccounts } from "./testing.ts";

export const ADA = { email: "ada@example.com", password: "correct horse battery staple" };
const REDIRECT_URI = "http://127.0.0.1/back";
export const LOGOUT_URI = "http://127.0.0.1:9/goodbye";
const Client = z.object({ id: z.string(), clientSecret: z.string().nullable() });
type Client = z.infer<typeof Client>;

type Authorization = {
  url: URL;
  checks: { pkceCodeVerifier: string; expectedState: string; expectedNonce: string };
};

/** An authorization request of an independent client library. */
export async function authorizationRequest(
  config: oidc.Configuration,
  more: Record<string, string> = {},
): Promise<Authorization> {
  const checks = {
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedState: oidc.randomState(),
    expectedNonce: oidc.randomNonce(),
  };
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: "http://127.0.0.1:54321/back",
    scope: "openid profile email unknown",
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: "S256",
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    ...more,
  });
  return { url, checks };
}

/** The cookies of a response as a Cookie header. */
export const cookiesOf = ({ headers }: { headers: Headers }): string =>
  headers
    .getSetCookie()
    .map((it) => it.split(";")[0])
    .join("; ");

/** Requests without following redirects. */
export const open = (url: URL): Promise<Response> => fetch(url, { redirect: "manual" });

/** Submits the sign-in page with its hidden fields and cookies, and with earlier `cookies`. */
async function submit(url: URL, fields: Record<string, string>, cookies = ""): Promise<Response> {
  const page = await open(url);
  expect(page.status).toBe(200);
  const csrf = /name="csrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? "";
  const cookie = [cookiesOf(page), cookies].join("; ");
  return fetch(url, {
    method: "POST",
    redirect: "manual",
    headers: { cookie },
    body: new URLSearchParams({ csrf, ...fields }),
  });
}

/** Accounts as an OpenID provider with one account. */
export async function startProvider() {
  const service = await testAccounts();
  await service.send("POST", "/v1/accounts", { body: { ...ADA, name: "Ada" } });

  async function createClient(
    kind: "public" | "confidential",
    product = "quarterdeck",
  ): Promise<Client> {
    const response = await service.send("POST", "/v1/clients", {
      as: service.root,
      body: {
        name: "Shop <b>",
        kind,
        product,
        redirectUris: [REDIRECT_URI, "https://shop.example/back"],
        postLogoutRedirectUris: [LOGOUT_URI],
      },
    });
    expect(response.status).toBe(201);
    return Client.parse(response.json);
  }

  /** Configures the client library by discovery. */
  const discover = (
    { id, clientSecret }: Client,
    authentication?: oidc.ClientAuth,
  ): Promise<oidc.Configuration> =>
    oidc.discovery(
      new URL(service.url),
      id,
      clientSecret ?? undefined,
      authentication ?? (clientSecret === null ? oidc.None() : undefined),
      { execute: [oidc.allowInsecureRequests] },
    );

  /** Signs in on the page. @returns the redirect to the client */
  async function signIn(url: URL): Promise<URL> {
    const response = await submit(url, ADA);
    expect(response.status).toBe(303);
    return new URL(response.headers.get("location") ?? "");
  }

  /** The authorization code flow up to the tokens. */
  async function authorize(config: oidc.Configuration) {
    const { url, checks } = await authorizationRequest(config);
    const redirect = await signIn(url);
    const tokens = await oidc.authorizationCodeGrant(config, redirect, checks);
    return { tokens, redirect, checks };
  }

  const newClient = async (kind: "public" | "confidential", product?: string) =>
    discover(await createClient(kind, product));

  return { service, createClient, newClient, discover, submit, signIn, authorize };
}
