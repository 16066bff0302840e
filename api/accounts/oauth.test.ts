import * as oidc from "openid-client";
import { afterAll, beforeAll, expect, test } from "vitest";

import { KEY_PUBLISHED_AHEAD_MS } from "./domain/signing-keys.ts";
import { ADA, LOGOUT_URI, authorizationRequest, open, startProvider } from "./testing-oauth.ts";
import { enrolTotp, signUp, untilLockWait } from "./testing.ts";

let p: Awaited<ReturnType<typeof startProvider>>;
beforeAll(async () => {
  p = await startProvider();
});
afterAll(() => p.service.stop());

for (const kind of ["public", "confidential"] as const) {
  test(`a ${kind} client signs a user in, reads the claims, refreshes and signs out, across a key rotation`, async () => {
    const config = await p.newClient(kind);
    const { tokens, checks } = await p.authorize(config);
    const claims = tokens.claims();
    expect(claims).toMatchObject({ nonce: checks.expectedNonce, amr: ["pwd"] });
    const sub = claims?.sub ?? "";
    const claimsOfUser = await oidc.fetchUserInfo(config, tokens.access_token, sub);
    expect(claimsOfUser).toMatchObject({
      sub,
      name: "Ada",
      email: ADA.email,
      email_verified: false,
    });
    const byPost = await p.service.send("POST", "/oauth/userinfo", { as: tokens.access_token });
    expect(byPost.json).toEqual(claimsOfUser);

    p.service.clock.now += KEY_PUBLISHED_AHEAD_MS;
    const rotated = await p.service.send("POST", "/v1/signing-keys/rotations", {
      as: p.service.root,
      body: {},
    });
    expect(rotated.status).toBe(204);
    const next = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? "");
    expect(next.claims()?.sub).toBe(sub);
    await oidc.fetchUserInfo(config, next.access_token, sub);

    const logout = oidc.buildEndSessionUrl(config, {
      id_token_hint: next.id_token ?? "",
      post_logout_redirect_uri: LOGOUT_URI,
      state: "s",
    });
    expect((await open(logout)).headers.get("location")).toBe(`${LOGOUT_URI}?state=s`);
    await expect(oidc.fetchUserInfo(config, next.access_token, sub)).rejects.toThrow();
    await expect(oidc.refreshTokenGrant(config, next.refresh_token ?? "")).rejects.toMatchObject({
      error: "invalid_grant",
    });
  });
}

test("the token of a client is valid for the client's product only", async () => {
  await p.service.send("POST", "/v1/products", {
    as: p.service.root,
    body: {
      slug: "shop",
      name: "Shop",
      permissions: [{ name: "shop:orders:read", description: "" }],
    },
  });
  const own = await p.newClient("public");
  const shop = await p.newClient("public", "shop");
  const { tokens: ours } = await p.authorize(own);
  const { tokens: theirs } = await p.authorize(shop);
  const check = (as: string) => p.service.send("GET", "/v1/session", { as });
  expect((await check(ours.access_token)).status).toBe(200);
  expect((await check(theirs.access_token)).status).toBe(401);
  const sub = theirs.claims()?.sub ?? "";
  expect(await oidc.fetchUserInfo(shop, theirs.access_token, sub)).toMatchObject({ sub });
});

test("a code can be used once; its reuse ends the session", async () => {
  const config = await p.newClient("public");
  const { tokens, redirect, checks } = await p.authorize(config);
  await expect(oidc.authorizationCodeGrant(config, redirect, checks)).rejects.toMatchObject({
    error: "invalid_grant",
  });
  await expect(oidc.refreshTokenGrant(config, tokens.refresh_token ?? "")).rejects.toMatchObject({
    error: "invalid_grant",
  });
});

test("a session that ends during the reuse of its code is logged once", async () => {
  const config = await p.newClient("public");
  const { tokens, redirect, checks } = await p.authorize(config);
  const { database, lines } = p.service;
  const ends = () => lines.filter((it) => it["event.action"] === "user-sign-out").length;
  const before = ends();
  let exchanging: Promise<unknown> | undefined;
  await database.transaction(async (tx) => {
    const sid = tokens.claims()?.["sid"];
    await tx.query(
      "UPDATE sessions SET ended_at = now(), end_reason = 'signed out' WHERE id = $1",
      [sid],
    );
    exchanging = oidc
      .authorizationCodeGrant(config, redirect, checks)
      .catch((error: unknown) => error);
    await untilLockWait(database);
  });
  expect(await exchanging).toMatchObject({ error: "invalid_grant" });
  expect(ends()).toBe(before);
});

test("issued and refused tokens are audited", async () => {
  const client = await p.createClient("confidential");
  const config = await p.discover(client);
  await p.authorize(config);
  const wrong = await p.discover({ id: client.id, clientSecret: "wrong" });
  for (let at = 0; at < 3; at += 1) {
    await expect(oidc.refreshTokenGrant(wrong, "x")).rejects.toMatchObject({ status: 401 });
  }
  const trail = await p.service.send("GET", "/v1/audit?limit=50", { as: p.service.root });
  const { items } = trail.json as { items: { action: string; subject: string; outcome: string }[] };
  const ours = items.filter((it) => it.action === "oauth.token" && it.subject === client.id);
  expect(ours.map((it) => it.outcome).toSorted()).toEqual(["failure", "success"]);
});

test("concurrent exchanges of a code issue tokens once", async () => {
  const config = await p.newClient("public");
  const { url, checks } = await authorizationRequest(config);
  const redirect = await p.signIn(url);
  const exchanges = Array.from({ length: 6 }, () =>
    oidc.authorizationCodeGrant(config, redirect, checks),
  );
  const issued = (await Promise.allSettled(exchanges)).filter((it) => it.status === "fulfilled");
  expect(issued).toHaveLength(1);
});

test("a client can introspect and revoke its own tokens only", async () => {
  const config = await p.newClient("confidential");
  const stranger = await p.newClient("confidential", "shop");
  const { tokens } = await p.authorize(config);
  const introspect = (by: oidc.Configuration) => oidc.tokenIntrospection(by, tokens.access_token);
  expect(await introspect(config)).toMatchObject({ active: true, sub: tokens.claims()?.sub });
  expect(await introspect(stranger)).toEqual({ active: false });
  await oidc.tokenRevocation(stranger, tokens.refresh_token ?? "");
  expect(await introspect(config)).toMatchObject({ active: true });
  await oidc.tokenRevocation(config, tokens.refresh_token ?? "");
  expect(await introspect(config)).toEqual({ active: false });
});

test("a client authenticates with its secret, in the header or in the form", async () => {
  const known = await p.createClient("confidential");
  const byHeader = await p.discover(known, oidc.ClientSecretBasic(known.clientSecret ?? ""));
  await p.authorize(byHeader);
  const wrong = await p.discover({ id: known.id, clientSecret: "wrong" });
  await expect(p.authorize(wrong)).rejects.toMatchObject({ status: 401, error: "invalid_client" });
  const secretless = await p.discover({ id: known.id, clientSecret: null });
  await expect(oidc.refreshTokenGrant(secretless, "x")).rejects.toMatchObject({
    error: "invalid_client",
  });
});

test("the sign-in page asks for the second factor, whose codes can be used once", async () => {
  const eve = { email: "eve@example.com", password: ADA.password };
  const { code, confirm } = await enrolTotp(p.service, await signUp(p.service, eve));
  expect((await confirm({ code: code() })).status).toBe(201);
  p.service.clock.now += 60_000;
  const config = await p.newClient("public");
  const { url, checks } = await authorizationRequest(config);
  const withoutCode = await p.submit(url, eve);
  expect(withoutCode.status).toBe(401);
  expect(await withoutCode.text()).toContain("authenticator app");
  expect((await p.submit(url, { ...eve, otp: "000000" })).status).toBe(401);
  const otp = code();
  const [one, two] = await Promise.all([
    p.submit(url, { ...eve, otp }),
    p.submit(url, { ...eve, otp }),
  ]);
  expect([one?.status, two?.status].filter((it) => it === 303)).toHaveLength(1);
  const passed = one?.status === 303 ? one : two;
  const redirect = new URL(passed?.headers.get("location") ?? "");
  const tokens = await oidc.authorizationCodeGrant(config, redirect, checks);
  expect(tokens.claims()).toMatchObject({ amr: ["pwd", "otp", "mfa"] });
});

test("deleting a client ends its sessions", async () => {
  const client = await p.createClient("public");
  const config = await p.discover(client);
  const { tokens } = await p.authorize(config);
  const deleted = await p.service.send("DELETE", `/v1/clients/${client.id}`, {
    as: p.service.root,
    headers: { "if-match": "*" },
  });
  expect(deleted.status).toBe(204);
  const response = await p.service.send("GET", "/oauth/userinfo", { as: tokens.access_token });
  expect(response.status).toBe(401);
});
