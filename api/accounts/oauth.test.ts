import * as oidc from "openid-client";
import { TOTP } from "otpauth";
import { afterAll, beforeAll, expect, test } from "vitest";

import { testService } from "#api/kit/testing.ts";

import { KEY_PUBLISHED_AHEAD_MS } from "./domain/signing-keys.ts";
import { accounts } from "./service.ts";

type Service = Awaited<ReturnType<typeof testService>>;
let service: Service;
beforeAll(async () => {
  service = await testService(accounts);
  await service.send("POST", "/v1/accounts", { body: { ...ADA, name: "Ada" } });
});
afterAll(() => service.stop());

const ADA = { email: "ada@example.com", password: "correct horse battery staple" };
const BACK = "http://127.0.0.1/back";
const GOODBYE = "http://127.0.0.1:9/goodbye";
type Client = { id: string; clientSecret: string | null };

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
  return answer.json as Client;
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

type Attempt = {
  url: URL;
  checks: { pkceCodeVerifier: string; expectedState: string; expectedNonce: string };
};

async function begin(
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

const open = (url: URL): Promise<Response> => fetch(url, { redirect: "manual" });

/** What a browser does with the page: its hidden fields and its cookies go along with what is typed. */
async function fill(url: URL, typed: Record<string, string>): Promise<Response> {
  const page = await open(url);
  expect(page.status).toBe(200);
  const csrf = /name="csrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? "";
  const cookie = page.headers
    .getSetCookie()
    .map((it) => it.split(";")[0])
    .join("; ");
  return fetch(url, {
    method: "POST",
    redirect: "manual",
    headers: { cookie },
    body: new URLSearchParams({ csrf, ...typed }),
  });
}

/** Signs in on the page and gives where the browser is sent. */
async function signIn(url: URL): Promise<URL> {
  const answer = await fill(url, ADA);
  expect(answer.status).toBe(303);
  return new URL(answer.headers.get("location") ?? "");
}

/** `location` that says an error. */
const errorOf = (answer: Response): string | null =>
  new URL(answer.headers.get("location") ?? "").searchParams.get("error");

for (const kind of ["public", "confidential"] as const) {
  test(`a ${kind} client signs somebody in, learns who it is, goes on and signs out, across a change of keys`, async () => {
    const config = await discover(await client(kind));
    const { url, checks } = await begin(config);
    const tokens = await oidc.authorizationCodeGrant(config, await signIn(url), checks);
    const claims = tokens.claims();
    expect(claims).toMatchObject({ nonce: checks.expectedNonce, amr: ["pwd"] });
    const sub = claims?.sub ?? "";
    const who = await oidc.fetchUserInfo(config, tokens.access_token, sub);
    expect(who).toMatchObject({ sub, name: "Ada", email: ADA.email, email_verified: false });

    service.clock.now += KEY_PUBLISHED_AHEAD_MS;
    const turned = await service.send("POST", "/v1/signing-keys/rotations", {
      as: service.root,
      body: {},
    });
    expect(turned.status).toBe(204);
    const next = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? "");
    expect(next.claims()?.sub).toBe(sub);
    await oidc.fetchUserInfo(config, next.access_token, sub);

    const bye = oidc.buildEndSessionUrl(config, {
      id_token_hint: next.id_token ?? "",
      post_logout_redirect_uri: GOODBYE,
      state: "s",
    });
    expect((await open(bye)).headers.get("location")).toBe(`${GOODBYE}?state=s`);
    await expect(oidc.fetchUserInfo(config, next.access_token, sub)).rejects.toThrow();
    await expect(oidc.refreshTokenGrant(config, next.refresh_token ?? "")).rejects.toMatchObject({
      error: "invalid_grant",
    });
  });
}

test("the token of a client is good at the product that the client is a face of, with what is granted there", async () => {
  await service.send("POST", "/v1/products", {
    as: service.root,
    body: {
      slug: "shop",
      name: "Shop",
      permissions: [{ name: "shop:orders:read", description: "" }],
    },
  });
  const own = await discover(await client("public"));
  const shop = await discover(await client("public", "shop"));
  const tokensOf = async (config: oidc.Configuration) => {
    const { url, checks } = await begin(config);
    return oidc.authorizationCodeGrant(config, await signIn(url), checks);
  };
  const [ours, theirs] = [await tokensOf(own), await tokensOf(shop)];
  const check = (as: string) => service.send("GET", "/v1/session", { as });
  expect((await check(ours.access_token)).status).toBe(200);
  expect((await check(theirs.access_token)).status).toBe(401);
  const sub = theirs.claims()?.sub ?? "";
  expect(await oidc.fetchUserInfo(shop, theirs.access_token, sub)).toMatchObject({ sub });
});

test("a code is good once: the second time ends what came from the first", async () => {
  const config = await discover(await client("public"));
  const { url, checks } = await begin(config);
  const back = await signIn(url);
  const tokens = await oidc.authorizationCodeGrant(config, back, checks);
  await expect(oidc.authorizationCodeGrant(config, back, checks)).rejects.toMatchObject({
    error: "invalid_grant",
  });
  await expect(oidc.refreshTokenGrant(config, tokens.refresh_token ?? "")).rejects.toMatchObject({
    error: "invalid_grant",
  });
});

test("who got tokens and who was refused them is in the audit trail", async () => {
  const made = await client("confidential");
  const config = await discover(made);
  const { url, checks } = await begin(config);
  await oidc.authorizationCodeGrant(config, await signIn(url), checks);
  const wrong = await discover({ id: made.id, clientSecret: "wrong" });
  for (let at = 0; at < 3; at += 1) {
    await expect(oidc.refreshTokenGrant(wrong, "x")).rejects.toMatchObject({ status: 401 });
  }
  const trail = await service.send("GET", "/v1/audit?limit=50", { as: service.root });
  const { items } = trail.json as { items: { action: string; subject: string; outcome: string }[] };
  const ours = items.filter((it) => it.action === "oauth.token" && it.subject === made.id);
  expect(ours.map((it) => it.outcome).toSorted()).toEqual(["failure", "success"]);
});

test("of many who bring the same code at once one gets tokens at most", async () => {
  const config = await discover(await client("public"));
  const { url, checks } = await begin(config);
  const back = await signIn(url);
  const tries = Array.from({ length: 6 }, () => oidc.authorizationCodeGrant(config, back, checks));
  const got = (await Promise.allSettled(tries)).filter((it) => it.status === "fulfilled");
  expect(got).toHaveLength(1);
});

test("a code is worth nothing late, with another verifier, at another address or for another client", async () => {
  const config = await discover(await client("confidential"));
  const other = await discover(await client("confidential"));
  const refused = { error: "invalid_grant" };
  const { url, checks } = await begin(config);
  const back = await signIn(url);
  const wrong = { ...checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() };
  await expect(oidc.authorizationCodeGrant(config, back, wrong)).rejects.toMatchObject(refused);
  await expect(oidc.authorizationCodeGrant(other, back, checks)).rejects.toMatchObject(refused);
  const elsewhere = new URL(back.href.replace(":54321", ":1"));
  await expect(oidc.authorizationCodeGrant(config, elsewhere, checks)).rejects.toMatchObject(
    refused,
  );
  service.clock.now += 60_000;
  await expect(oidc.authorizationCodeGrant(config, back, checks)).rejects.toMatchObject(refused);
});

test("a refresh token belongs to its client", async () => {
  const config = await discover(await client("public"));
  const other = await discover(await client("public"));
  const { url, checks } = await begin(config);
  const tokens = await oidc.authorizationCodeGrant(config, await signIn(url), checks);
  const refreshToken = tokens.refresh_token ?? "";
  await expect(oidc.refreshTokenGrant(other, refreshToken)).rejects.toMatchObject({
    error: "invalid_grant",
  });
  await oidc.refreshTokenGrant(config, refreshToken);
});

test("a client looks into its tokens and revokes them", async () => {
  const config = await discover(await client("confidential"));
  const stranger = await discover(await client("confidential", "shop"));
  const { url, checks } = await begin(config);
  const tokens = await oidc.authorizationCodeGrant(config, await signIn(url), checks);
  const look = (by: oidc.Configuration) => oidc.tokenIntrospection(by, tokens.access_token);
  expect(await look(config)).toMatchObject({ active: true, sub: tokens.claims()?.sub });
  expect(await look(stranger)).toEqual({ active: false });
  await oidc.tokenRevocation(stranger, tokens.refresh_token ?? "");
  expect(await look(config)).toMatchObject({ active: true });
  await oidc.tokenRevocation(config, tokens.refresh_token ?? "");
  expect(await look(config)).toEqual({ active: false });
});

test("a client proves itself by the header or by the form, and by nothing wrong", async () => {
  const known = await client("confidential");
  const byHeader = await discover(known, oidc.ClientSecretBasic(known.clientSecret ?? ""));
  const { url, checks } = await begin(byHeader);
  await oidc.authorizationCodeGrant(byHeader, await signIn(url), checks);
  const wrong = await discover({ id: known.id, clientSecret: "wrong" });
  const again = await begin(wrong);
  await expect(
    oidc.authorizationCodeGrant(wrong, await signIn(again.url), again.checks),
  ).rejects.toMatchObject({ status: 401, error: "invalid_client" });
  const secretless = await discover({ id: known.id, clientSecret: null });
  await expect(oidc.refreshTokenGrant(secretless, "x")).rejects.toMatchObject({
    error: "invalid_client",
  });
});

test("nobody is sent to an address that is not exactly registered", async () => {
  const config = await discover(await client("public"));
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
  const config = await discover(await client("public"));
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
    expect([sent.get("state"), sent.get("iss")]).toEqual([checks.expectedState, service.url]);
  }
});

test("a form that is not from our page in this browser signs nobody in", async () => {
  const config = await discover(await client("public"));
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
  const config = await discover(await client("public"));
  const { url } = await begin(config);
  const email = '"><script>alert(1)</script>@example.com';
  const answer = await fill(url, { email: ADA.email, password: "wrong" });
  expect(answer.status).toBe(401);
  expect(await answer.text()).toContain(`value="${ADA.email}"`);
  const odd = await fill(url, { email, password: "wrong" });
  expect(odd.status).toBe(400);
  const text = await odd.text();
  expect(text).not.toContain("<script>alert");
  expect(text).toContain("Shop &lt;b&gt;");
  expect(odd.headers.get("content-security-policy")).toMatch(
    /default-src 'none'; script-src 'nonce-/,
  );
});

test("whoever has a second factor is asked for it on the page, and each code counts once", async () => {
  const eve = { email: "eve@example.com", password: ADA.password };
  await service.send("POST", "/v1/accounts", { body: { ...eve, name: "Eve" } });
  const session = await service.send("POST", "/v1/sessions", { body: eve });
  const { accessToken: as, account } = session.json as {
    accessToken: string;
    account: { id: string };
  };
  const path = `/v1/accounts/${account.id}/authenticator`;
  const enrolled = await service.send("POST", path, { as, body: { password: eve.password } });
  const { secret } = enrolled.json as { secret: string };
  const code = (): string => new TOTP({ secret }).generate({ timestamp: service.clock.now });
  const confirmed = await service.send("POST", `${path}/confirm`, { as, body: { code: code() } });
  expect(confirmed.status).toBe(201);
  service.clock.now += 60_000;
  const config = await discover(await client("public"));
  const { url, checks } = await begin(config);
  const asked = await fill(url, eve);
  expect(asked.status).toBe(401);
  expect(await asked.text()).toContain("authenticator app");
  expect((await fill(url, { ...eve, otp: "000000" })).status).toBe(401);
  const otp = code();
  const [one, two] = await Promise.all([fill(url, { ...eve, otp }), fill(url, { ...eve, otp })]);
  expect([one?.status, two?.status].filter((it) => it === 303)).toHaveLength(1);
  const passed = one?.status === 303 ? one : two;
  const back = new URL(passed?.headers.get("location") ?? "");
  const tokens = await oidc.authorizationCodeGrant(config, back, checks);
  expect(tokens.claims()).toMatchObject({ amr: ["pwd", "otp", "mfa"] });
});

test("what is no form, or half of one, is refused as OAuth says", async () => {
  const post = (body: string, type = "application/x-www-form-urlencoded", headers = {}) =>
    service.send("POST", "/oauth/token", { body, headers: { "content-type": type, ...headers } });
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
  const config = await discover(await client("public"));
  const { url, checks } = await begin(config);
  const tokens = await oidc.authorizationCodeGrant(config, await signIn(url), checks);
  const out = (query: Record<string, string>) =>
    open(new URL(`/oauth/logout?${new URLSearchParams(query).toString()}`, service.url));
  expect((await out({ post_logout_redirect_uri: GOODBYE })).status).toBe(400);
  const id_token_hint = tokens.id_token ?? "";
  const elsewhere = { id_token_hint, post_logout_redirect_uri: "https://evil.example/" };
  expect((await out(elsewhere)).headers.get("location")).toBeNull();
});

test("a client that is deleted takes the sessions that people have through it with it", async () => {
  const made = await client("public");
  const config = await discover(made);
  const { url, checks } = await begin(config);
  const tokens = await oidc.authorizationCodeGrant(config, await signIn(url), checks);
  const gone = await service.send("DELETE", `/v1/clients/${made.id}`, {
    as: service.root,
    headers: { "if-match": "*" },
  });
  expect(gone.status).toBe(204);
  const answer = await service.send("GET", "/oauth/userinfo", { as: tokens.access_token });
  expect(answer.status).toBe(401);
});
