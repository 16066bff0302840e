import * as oidc from "openid-client";
import { TOTP } from "otpauth";
import { afterAll, beforeAll, expect, test } from "vitest";

import { KEY_PUBLISHED_AHEAD_MS } from "./domain/signing-keys.ts";
import { ADA, GOODBYE, begin, open, startProvider } from "./testing-oauth.ts";

let p: Awaited<ReturnType<typeof startProvider>>;
beforeAll(async () => {
  p = await startProvider();
});
afterAll(() => p.service.stop());

for (const kind of ["public", "confidential"] as const) {
  test(`a ${kind} client signs somebody in, learns who it is, goes on and signs out, across a change of keys`, async () => {
    const config = await p.discover(await p.client(kind));
    const { url, checks } = await begin(config);
    const tokens = await oidc.authorizationCodeGrant(config, await p.signIn(url), checks);
    const claims = tokens.claims();
    expect(claims).toMatchObject({ nonce: checks.expectedNonce, amr: ["pwd"] });
    const sub = claims?.sub ?? "";
    const who = await oidc.fetchUserInfo(config, tokens.access_token, sub);
    expect(who).toMatchObject({ sub, name: "Ada", email: ADA.email, email_verified: false });
    const byPost = await p.service.send("POST", "/oauth/userinfo", { as: tokens.access_token });
    expect(byPost.json).toEqual(who);

    p.service.clock.now += KEY_PUBLISHED_AHEAD_MS;
    const turned = await p.service.send("POST", "/v1/signing-keys/rotations", {
      as: p.service.root,
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
  await p.service.send("POST", "/v1/products", {
    as: p.service.root,
    body: {
      slug: "shop",
      name: "Shop",
      permissions: [{ name: "shop:orders:read", description: "" }],
    },
  });
  const own = await p.discover(await p.client("public"));
  const shop = await p.discover(await p.client("public", "shop"));
  const tokensOf = async (config: oidc.Configuration) => {
    const { url, checks } = await begin(config);
    return oidc.authorizationCodeGrant(config, await p.signIn(url), checks);
  };
  const [ours, theirs] = [await tokensOf(own), await tokensOf(shop)];
  const check = (as: string) => p.service.send("GET", "/v1/session", { as });
  expect((await check(ours.access_token)).status).toBe(200);
  expect((await check(theirs.access_token)).status).toBe(401);
  const sub = theirs.claims()?.sub ?? "";
  expect(await oidc.fetchUserInfo(shop, theirs.access_token, sub)).toMatchObject({ sub });
});

test("a code is good once: the second time ends what came from the first", async () => {
  const config = await p.discover(await p.client("public"));
  const { url, checks } = await begin(config);
  const back = await p.signIn(url);
  const tokens = await oidc.authorizationCodeGrant(config, back, checks);
  await expect(oidc.authorizationCodeGrant(config, back, checks)).rejects.toMatchObject({
    error: "invalid_grant",
  });
  await expect(oidc.refreshTokenGrant(config, tokens.refresh_token ?? "")).rejects.toMatchObject({
    error: "invalid_grant",
  });
});

test("a session that somebody ends while its code comes again is not said to have ended twice", async () => {
  const config = await p.discover(await p.client("public"));
  const { url, checks } = await begin(config);
  const back = await p.signIn(url);
  const tokens = await oidc.authorizationCodeGrant(config, back, checks);
  const { database, lines } = p.service;
  const ends = () => lines.filter((it) => it["event.action"] === "user-sign-out").length;
  const before = ends();
  let late: Promise<unknown> | undefined;
  await database.transaction(async (tx) => {
    const sid = tokens.claims()?.["sid"];
    await tx.query(
      "UPDATE sessions SET ended_at = now(), end_reason = 'signed out' WHERE id = $1",
      [sid],
    );
    late = oidc.authorizationCodeGrant(config, back, checks).catch((error: unknown) => error);
    await expect
      .poll(() =>
        database.query(
          "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        ),
      )
      .toHaveLength(1);
  });
  expect(await late).toMatchObject({ error: "invalid_grant" });
  expect(ends()).toBe(before);
});

test("who got tokens and who was refused them is in the audit trail", async () => {
  const made = await p.client("confidential");
  const config = await p.discover(made);
  const { url, checks } = await begin(config);
  await oidc.authorizationCodeGrant(config, await p.signIn(url), checks);
  const wrong = await p.discover({ id: made.id, clientSecret: "wrong" });
  for (let at = 0; at < 3; at += 1) {
    await expect(oidc.refreshTokenGrant(wrong, "x")).rejects.toMatchObject({ status: 401 });
  }
  const trail = await p.service.send("GET", "/v1/audit?limit=50", { as: p.service.root });
  const { items } = trail.json as { items: { action: string; subject: string; outcome: string }[] };
  const ours = items.filter((it) => it.action === "oauth.token" && it.subject === made.id);
  expect(ours.map((it) => it.outcome).toSorted()).toEqual(["failure", "success"]);
});

test("of many who bring the same code at once one gets tokens at most", async () => {
  const config = await p.discover(await p.client("public"));
  const { url, checks } = await begin(config);
  const back = await p.signIn(url);
  const tries = Array.from({ length: 6 }, () => oidc.authorizationCodeGrant(config, back, checks));
  const got = (await Promise.allSettled(tries)).filter((it) => it.status === "fulfilled");
  expect(got).toHaveLength(1);
});

test("a client looks into its tokens and revokes them", async () => {
  const config = await p.discover(await p.client("confidential"));
  const stranger = await p.discover(await p.client("confidential", "shop"));
  const { url, checks } = await begin(config);
  const tokens = await oidc.authorizationCodeGrant(config, await p.signIn(url), checks);
  const look = (by: oidc.Configuration) => oidc.tokenIntrospection(by, tokens.access_token);
  expect(await look(config)).toMatchObject({ active: true, sub: tokens.claims()?.sub });
  expect(await look(stranger)).toEqual({ active: false });
  await oidc.tokenRevocation(stranger, tokens.refresh_token ?? "");
  expect(await look(config)).toMatchObject({ active: true });
  await oidc.tokenRevocation(config, tokens.refresh_token ?? "");
  expect(await look(config)).toEqual({ active: false });
});

test("a client proves itself by the header or by the form, and by nothing wrong", async () => {
  const known = await p.client("confidential");
  const byHeader = await p.discover(known, oidc.ClientSecretBasic(known.clientSecret ?? ""));
  const { url, checks } = await begin(byHeader);
  await oidc.authorizationCodeGrant(byHeader, await p.signIn(url), checks);
  const wrong = await p.discover({ id: known.id, clientSecret: "wrong" });
  const again = await begin(wrong);
  await expect(
    oidc.authorizationCodeGrant(wrong, await p.signIn(again.url), again.checks),
  ).rejects.toMatchObject({ status: 401, error: "invalid_client" });
  const secretless = await p.discover({ id: known.id, clientSecret: null });
  await expect(oidc.refreshTokenGrant(secretless, "x")).rejects.toMatchObject({
    error: "invalid_client",
  });
});

test("whoever has a second factor is asked for it on the page, and each code counts once", async () => {
  const eve = { email: "eve@example.com", password: ADA.password };
  await p.service.send("POST", "/v1/accounts", { body: { ...eve, name: "Eve" } });
  const session = await p.service.send("POST", "/v1/sessions", { body: eve });
  const { accessToken: as, account } = session.json as {
    accessToken: string;
    account: { id: string };
  };
  const path = `/v1/accounts/${account.id}/authenticator`;
  const enrolled = await p.service.send("POST", path, { as, body: { password: eve.password } });
  const { secret } = enrolled.json as { secret: string };
  const code = (): string => new TOTP({ secret }).generate({ timestamp: p.service.clock.now });
  const confirmed = await p.service.send("POST", `${path}/confirm`, { as, body: { code: code() } });
  expect(confirmed.status).toBe(201);
  p.service.clock.now += 60_000;
  const config = await p.discover(await p.client("public"));
  const { url, checks } = await begin(config);
  const asked = await p.fill(url, eve);
  expect(asked.status).toBe(401);
  expect(await asked.text()).toContain("authenticator app");
  expect((await p.fill(url, { ...eve, otp: "000000" })).status).toBe(401);
  const otp = code();
  const [one, two] = await Promise.all([
    p.fill(url, { ...eve, otp }),
    p.fill(url, { ...eve, otp }),
  ]);
  expect([one?.status, two?.status].filter((it) => it === 303)).toHaveLength(1);
  const passed = one?.status === 303 ? one : two;
  const back = new URL(passed?.headers.get("location") ?? "");
  const tokens = await oidc.authorizationCodeGrant(config, back, checks);
  expect(tokens.claims()).toMatchObject({ amr: ["pwd", "otp", "mfa"] });
});

test("a client that is deleted takes the sessions that people have through it with it", async () => {
  const made = await p.client("public");
  const config = await p.discover(made);
  const { url, checks } = await begin(config);
  const tokens = await oidc.authorizationCodeGrant(config, await p.signIn(url), checks);
  const gone = await p.service.send("DELETE", `/v1/clients/${made.id}`, {
    as: p.service.root,
    headers: { "if-match": "*" },
  });
  expect(gone.status).toBe(204);
  const answer = await p.service.send("GET", "/oauth/userinfo", { as: tokens.access_token });
  expect(answer.status).toBe(401);
});
