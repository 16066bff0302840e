import * as oidc from "openid-client";
import { expect } from "vitest";
import { z } from "zod";

import { testAccounts } from "./testing.ts";

export const ADA = { email: "ada@example.com", password: "correct horse battery staple" };
const BACK = "http://127.0.0.1/back";
export const GOODBYE = "http://127.0.0.1:9/goodbye";
const Client = z.object({ id: z.string(), clientSecret: z.string().nullable() });
type Client = z.infer<typeof Client>;

type Attempt = {
  url: URL;
  checks: { pkceCodeVerifier: string; expectedState: string; expectedNonce: string };
};

/** A request to authorize, as the independent client library makes it. */
export async function begin(
  config: oidc.Configuration,
  more: Record<string, string> = {},
): Promise<Attempt> {
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

/** The cookies that an answer gives, as a browser sends them back. */
export const cookiesOf = ({ headers }: { headers: Headers }): string =>
  headers
    .getSetCookie()
    .map((it) => it.split(";")[0])
    .join("; ");

/** A request that follows nothing. */
export const open = (url: URL): Promise<Response> => fetch(url, { redirect: "manual" });

/** What a browser does with the page: its hidden fields and its cookies (`kept`: from before) go along with what is typed. */
async function fill(url: URL, typed: Record<string, string>, kept = ""): Promise<Response> {
  const page = await open(url);
  expect(page.status).toBe(200);
  const csrf = /name="csrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? "";
  const cookie = [cookiesOf(page), kept].join("; ");
  return fetch(url, {
    method: "POST",
    redirect: "manual",
    headers: { cookie },
    body: new URLSearchParams({ csrf, ...typed }),
  });
}

/** Accounts with somebody in it, and what it takes to sign in through it. */
export async function startProvider() {
  const service = await testAccounts();
  await service.send("POST", "/v1/accounts", { body: { ...ADA, name: "Ada" } });

  async function client(kind: "public" | "confidential", product = "quarterdeck"): Promise<Client> {
    const answer = await service.send("POST", "/v1/clients", {
      as: service.root,
      body: {
        name: "Shop <b>",
        kind,
        product,
        redirectUris: [BACK, "https://shop.example/back"],
        postLogoutRedirectUris: [GOODBYE],
      },
    });
    expect(answer.status).toBe(201);
    return Client.parse(answer.json);
  }

  /** The independent client library, as somebody who knows no more than our address. */
  const discover = (
    { id, clientSecret }: Client,
    how?: oidc.ClientAuth,
  ): Promise<oidc.Configuration> =>
    oidc.discovery(
      new URL(service.url),
      id,
      clientSecret ?? undefined,
      how ?? (clientSecret === null ? oidc.None() : undefined),
      { execute: [oidc.allowInsecureRequests] },
    );

  /** Signs in on the page and gives where the browser is sent. */
  async function signIn(url: URL): Promise<URL> {
    const answer = await fill(url, ADA);
    expect(answer.status).toBe(303);
    return new URL(answer.headers.get("location") ?? "");
  }

  return { service, client, discover, fill, signIn };
}
