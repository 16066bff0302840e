import * as oidc from "openid-client";
import { afterAll, beforeAll, expect, test } from "vitest";

import { ADA, LOGOUT_URI, authorizationRequest, open, startProvider } from "./testing-oauth.ts";
import { untilLockWait } from "./testing.ts";

let p: Awaited<ReturnType<typeof startProvider>>;
beforeAll(async () => {
  p = await startProvider();
});
afterAll(() => p.service.stop());

const errorOf = (response: Response): string | null =>
  new URL(response.headers.get("location") ?? "").searchParams.get("error");

test("a code is refused after its lifetime and for another verifier, redirect_uri or client", async () => {
  const config = await p.newClient("confidential");
  const other = await p.newClient("confidential");
  const refused = { error: "invalid_grant" };
  const { url, checks } = await authorizationRequest(config);
  const back = await p.signIn(url);
  const wrong = { ...checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() };
  await expect(oidc.authorizationCodeGrant(config, back, wrong)).rejects.toMatchObject(refused);
  await expect(oidc.authorizationCodeGrant(other, back, checks)).rejects.toMatchObject(refused);
  const elsewhere = new URL(back.href.replace(":54321", ":1"));
  await expect(oidc.authorizationCodeGrant(config, elsewhere, checks)).rejects.toMatchObject(
    refused,
  );
  p.service.clock.now += 60_000;
  await expect(oidc.authorizationCodeGrant(config, back, checks)).rejects.toMatchObject(refused);
});

test("a refresh token is valid for its client only", async () => {
  const config = await p.newClient("public");
  const other = await p.newClient("public");
  const { tokens } = await p.authorize(config);
  const refreshToken = tokens.refresh_token ?? "";
  await expect(oidc.refreshTokenGrant(other, refreshToken)).rejects.toMatchObject({
    error: "invalid_grant",
  });
  await oidc.refreshTokenGrant(config, refreshToken);
});

test("only redirect URIs that match a registered one exactly are used", async () => {
  const config = await p.newClient("public");
  const bad = [
    "https://shop.example/back/",
    "https://shop.example/back?x=1",
    "https://shop.example:444/back",
    "https://evil.example/back",
    "https://shop.example/back/../evil",
    "http://127.0.0.1:5/other",
    "http://localhost:5/back",
    "http://127.0.0.1:5@evil.example/back",
    "javascript:alert(1)",
    "",
  ];
  for (const uri of bad) {
    const { url } = await authorizationRequest(config, { redirect_uri: uri });
    const response = await open(url);
    expect({ uri, status: response.status }).toEqual({ uri, status: 400 });
    expect(response.headers.get("location")).toBeNull();
  }
});

test("errors of an authorization request are redirected to the client, with state and issuer", async () => {
  const config = await p.newClient("public");
  const cases: [Record<string, string>, string][] = [
    [{ response_type: "token" }, "unsupported_response_type"],
    [{ code_challenge_method: "plain" }, "invalid_request"],
    [{ code_challenge: "short" }, "invalid_request"],
    [{ scope: "profile" }, "invalid_scope"],
    [{ prompt: "none" }, "login_required"],
    [{ request: "x" }, "request_not_supported"],
    [{ response_mode: "fragment" }, "invalid_request"],
  ];
  for (const [more, error] of cases) {
    const { url, checks } = await authorizationRequest(config, more);
    const response = await open(url);
    expect(errorOf(response)).toBe(error);
    const sent = new URL(response.headers.get("location") ?? "").searchParams;
    expect([sent.get("state"), sent.get("iss")]).toEqual([checks.expectedState, p.service.url]);
  }
});

test("the sign-in form is protected against CSRF", async () => {
  const config = await p.newClient("public");
  const { url } = await authorizationRequest(config);
  const page = await open(url);
  const cookie = page.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const csrf = /name="csrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? "";
  const post = (headers: Record<string, string>, fields: Record<string, string>) =>
    fetch(url, {
      method: "POST",
      redirect: "manual",
      headers,
      body: new URLSearchParams({ ...ADA, ...fields }),
    });
  expect((await post({ cookie }, {})).status).toBe(403);
  expect((await post({}, { csrf })).status).toBe(403);
  expect((await post({ cookie: `${cookie}x` }, { csrf })).status).toBe(403);
  expect((await post({ cookie, origin: "https://evil.example" }, { csrf })).status).toBe(403);
  expect((await post({ cookie }, { csrf })).status).toBe(303);
});

test("a wrong password shows the page again with the address, with all values escaped", async () => {
  const config = await p.newClient("public");
  const { url } = await authorizationRequest(config);
  const email = '"><script>alert(1)</script>@example.com';
  const response = await p.submit(url, { email: ADA.email, password: "wrong" });
  expect(response.status).toBe(401);
  expect(await response.text()).toContain(`value="${ADA.email}"`);
  const invalid = await p.submit(url, { email, password: "wrong" });
  expect(invalid.status).toBe(400);
  const text = await invalid.text();
  expect(text).not.toContain("<script>alert");
  expect(text).toContain("Shop &lt;b&gt;");
  expect(invalid.headers.get("content-security-policy")).toMatch(
    /default-src 'none'; script-src 'nonce-/,
  );
});

test("invalid token requests are refused with the error codes of OAuth", async () => {
  const post = (body: string, type = "application/x-www-form-urlencoded", headers = {}) =>
    p.service.send("POST", "/oauth/token", { body, headers: { "content-type": type, ...headers } });
  const errors = [
    await post("{}", "application/json"),
    await post("grant_type=password&client_id=x&username=a&password=b"),
    await post("grant_type=refresh_token&client_id=x"),
    await post("client_id=x&client_id=y"),
    await post("client_id=%00"),
    await post(`client_id=${"x".repeat(40_000)}`),
    await post("grant_type=refresh_token", undefined, { authorization: "Basic !!!" }),
    await post("grant_type=client_credentials&client_id=svc_1&client_secret=qdk_1"),
  ].map((it) => [it.status, (it.json as { error: string }).error]);
  expect(errors).toEqual([
    [400, "invalid_request"],
    [400, "unsupported_grant_type"],
    [401, "invalid_client"],
    [400, "invalid_request"],
    [400, "invalid_request"],
    [400, "invalid_request"],
    [401, "invalid_client"],
    [401, "invalid_client"],
  ]);
});

test("logout requires an id_token_hint and a registered redirect URI", async () => {
  const config = await p.newClient("public");
  const { tokens } = await p.authorize(config);
  const logout = (query: Record<string, string>) =>
    open(new URL(`/oauth/logout?${new URLSearchParams(query).toString()}`, p.service.url));
  expect((await logout({ post_logout_redirect_uri: LOGOUT_URI })).status).toBe(400);
  const id_token_hint = tokens.id_token ?? "";
  const unregistered = { id_token_hint, post_logout_redirect_uri: "https://evil.example/" };
  expect((await logout(unregistered)).headers.get("location")).toBeNull();
});

test("a client that is deleted during a sign-in gets neither code nor session", async () => {
  const { id } = await p.createClient("public");
  const { url } = await authorizationRequest(await p.discover({ id, clientSecret: null }));
  const { database } = p.service;
  let signingIn: Promise<Response> | undefined;
  await database.transaction(async (tx) => {
    await tx.query("DELETE FROM oauth_clients WHERE id = $1", [id]);
    signingIn = p.submit(url, ADA);
    await untilLockWait(database);
  });
  expect((await signingIn)?.status).toBe(401);
  const left = await database.query("SELECT 1 FROM sessions WHERE client_id = $1", [id]);
  expect(left).toEqual([]);
});

test("an ID token is not accepted as access token", async () => {
  const config = await p.newClient("public");
  const { tokens } = await p.authorize(config);
  for (const path of ["/v1/session", "/oauth/userinfo"]) {
    expect((await p.service.send("GET", path, { as: tokens.id_token })).status).toBe(401);
  }
});
