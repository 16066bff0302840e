import * as oidc from "openid-client";
import { afterAll, beforeAll, expect, test } from "vitest";

import { ADA, GOODBYE, begin, open, startProvider } from "./testing-oauth.ts";

let p: Awaited<ReturnType<typeof startProvider>>;
beforeAll(async () => {
  p = await startProvider();
});
afterAll(() => p.service.stop());

/** `location` that says an error. */
const errorOf = (answer: Response): string | null =>
  new URL(answer.headers.get("location") ?? "").searchParams.get("error");

test("a code is worth nothing late, with another verifier, at another address or for another client", async () => {
  const config = await p.discover(await p.client("confidential"));
  const other = await p.discover(await p.client("confidential"));
  const refused = { error: "invalid_grant" };
  const { url, checks } = await begin(config);
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

test("a refresh token belongs to its client", async () => {
  const config = await p.discover(await p.client("public"));
  const other = await p.discover(await p.client("public"));
  const { url, checks } = await begin(config);
  const tokens = await oidc.authorizationCodeGrant(config, await p.signIn(url), checks);
  const refreshToken = tokens.refresh_token ?? "";
  await expect(oidc.refreshTokenGrant(other, refreshToken)).rejects.toMatchObject({
    error: "invalid_grant",
  });
  await oidc.refreshTokenGrant(config, refreshToken);
});

test("nobody is sent to an address that is not exactly registered", async () => {
  const config = await p.discover(await p.client("public"));
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
    const { url } = await begin(config, { redirect_uri: uri });
    const answer = await open(url);
    expect({ uri, status: answer.status }).toEqual({ uri, status: 400 });
    expect(answer.headers.get("location")).toBeNull();
  }
});

test("what is wrong with a request goes back to the client, with its state and who says so", async () => {
  const config = await p.discover(await p.client("public"));
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
    const { url, checks } = await begin(config, more);
    const answer = await open(url);
    expect(errorOf(answer)).toBe(error);
    const sent = new URL(answer.headers.get("location") ?? "").searchParams;
    expect([sent.get("state"), sent.get("iss")]).toEqual([checks.expectedState, p.service.url]);
  }
});

test("a form that is not from our page in this browser signs nobody in", async () => {
  const config = await p.discover(await p.client("public"));
  const { url } = await begin(config);
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

test("a wrong password shows the page again, which says so, keeps the address and puts nothing of others into it", async () => {
  const config = await p.discover(await p.client("public"));
  const { url } = await begin(config);
  const email = '"><script>alert(1)</script>@example.com';
  const answer = await p.fill(url, { email: ADA.email, password: "wrong" });
  expect(answer.status).toBe(401);
  expect(await answer.text()).toContain(`value="${ADA.email}"`);
  const odd = await p.fill(url, { email, password: "wrong" });
  expect(odd.status).toBe(400);
  const text = await odd.text();
  expect(text).not.toContain("<script>alert");
  expect(text).toContain("Shop &lt;b&gt;");
  expect(odd.headers.get("content-security-policy")).toMatch(
    /default-src 'none'; script-src 'nonce-/,
  );
});

test("what is no form, or half of one, is refused as OAuth says", async () => {
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

test("logging out sends nobody to an address that is not registered, and needs to be told who", async () => {
  const config = await p.discover(await p.client("public"));
  const { url, checks } = await begin(config);
  const tokens = await oidc.authorizationCodeGrant(config, await p.signIn(url), checks);
  const out = (query: Record<string, string>) =>
    open(new URL(`/oauth/logout?${new URLSearchParams(query).toString()}`, p.service.url));
  expect((await out({ post_logout_redirect_uri: GOODBYE })).status).toBe(400);
  const id_token_hint = tokens.id_token ?? "";
  const elsewhere = { id_token_hint, post_logout_redirect_uri: "https://evil.example/" };
  expect((await out(elsewhere)).headers.get("location")).toBeNull();
});

test("a client that is deleted while somebody signs in gets neither a code nor a session", async () => {
  const { id } = await p.client("public");
  const { url } = await begin(await p.discover({ id, clientSecret: null }));
  const { database } = p.service;
  let late: Promise<Response> | undefined;
  await database.transaction(async (tx) => {
    await tx.query("DELETE FROM oauth_clients WHERE id = $1", [id]);
    late = p.fill(url, ADA);
    await expect
      .poll(() =>
        database.query(
          "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        ),
      )
      .toHaveLength(1);
  });
  expect((await late)?.status).toBe(401);
  const left = await database.query("SELECT 1 FROM sessions WHERE client_id = $1", [id]);
  expect(left).toEqual([]);
});

test("an id token is no access token", async () => {
  const config = await p.discover(await p.client("public"));
  const { url, checks } = await begin(config);
  const tokens = await oidc.authorizationCodeGrant(config, await p.signIn(url), checks);
  for (const path of ["/v1/session", "/oauth/userinfo"]) {
    expect((await p.service.send("GET", path, { as: tokens.id_token })).status).toBe(401);
  }
});
