import { expect, test, vi } from "vitest";

import {
  PASSWORD,
  signIn,
  signUp,
  testAccounts,
  tokenStatus,
  tokensIn,
  trySignIn,
} from "./testing.ts";

test("a token is valid from sign-in to sign-out", async () => {
  await using service = await testAccounts();
  const account = await signUp(service, { email: "Ada@Example.com" });
  expect(account.email).toBe("ada@example.com");
  const tokens = await signIn(service, { email: "ADA@example.com" });
  const as = tokens.accessToken;
  const check = await service.send("GET", "/v1/session", { as });
  expect(check.json).toMatchObject({
    kind: "account",
    id: account.id,
    sessionId: tokens.session.id,
    permissions: [],
  });
  expect((await service.send("GET", "/v1/session", { as })).text).toBe(check.text);
  const own = await service.send("GET", `/v1/accounts/${account.id}`, { as });
  expect(own.json).toMatchObject({ id: account.id, emailVerified: false });
  expect((await service.send("DELETE", "/v1/session", { as })).status).toBe(204);
  await vi.waitFor(async () => expect(await tokenStatus(service, as)).toBe(401), {
    timeout: 20_000,
  });
  const body = { refreshToken: tokens.refreshToken };
  expect((await service.send("POST", "/v1/sessions/refresh", { body })).status).toBe(401);
});

test("wrong password, unknown address and closed account get the same response", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const closed = await signUp(service);
  const { accessToken: as } = await signIn(service, closed);
  const headers = { "if-match": '"1"' };
  const body = { password: PASSWORD };
  const close = `/v1/accounts/${closed.id}/close`;
  expect((await service.send("POST", close, { as, headers, body })).status).toBe(204);
  const responses = await Promise.all([
    trySignIn(service, { email: account.email, password: "not the password" }),
    trySignIn(service, { email: "nobody@example.com" }),
    trySignIn(service, closed),
  ]);
  const bodies = responses.map(({ status, json }) => ({ status, ...Object(json), instance: "" }));
  expect(bodies[0]).toMatchObject({ status: 401 });
  expect(bodies[1]).toEqual(bodies[0]);
  expect(bodies[2]).toEqual(bodies[0]);
});

test("concurrent sign-ups with the same address create one account", async () => {
  await using service = await testAccounts();
  const body = { email: "one@example.com", password: PASSWORD, name: "One" };
  const responses = await Promise.all(
    [1, 2, 3].map(() => service.send("POST", "/v1/accounts", { body })),
  );
  expect(responses.map((it) => it.status).toSorted((a, b) => a - b)).toEqual([201, 409, 409]);
});

test("sign-ups with taken addresses are throttled by source", async () => {
  await using service = await testAccounts();
  const { email } = await signUp(service);
  const ask = (address: string) =>
    service.send("POST", "/v1/accounts", {
      body: { email: address, password: PASSWORD, name: "X" },
    });
  for (let tries = 0; tries < 20; tries += 1) expect((await ask(email)).status).toBe(409);
  const refused = await ask(email);
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  service.clock.now += 61_000;
  expect((await ask("new@example.com")).status).toBe(201);
});

test("weak passwords are refused with the field name", async () => {
  await using service = await testAccounts();
  for (const password of ["short", "password123", "aaaaaaaaaaaa", "ada@example.com"]) {
    const body = { email: "ada@example.com", password, name: "Ada" };
    const response = await service.send("POST", "/v1/accounts", { body });
    expect(response.status).toBe(400);
    expect(response.json).toMatchObject({ errors: [{ path: "body.password" }] });
  }
});

test("a sign-in that is repeated with its Idempotency-Key starts one session", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const send = () =>
    service.send("POST", "/v1/sessions", {
      headers: { "idempotency-key": "once" },
      body: { email: account.email, password: account.password },
    });
  const responses = await Promise.all([send(), send()]);
  expect(new Set(responses.map((it) => tokensIn(it).refreshToken)).size).toBe(1);
  expect(await service.database.query("SELECT count(*) AS n FROM sessions")).toEqual([{ n: 1 }]);
  const signIns = service.lines.filter((it) => it["event.action"] === "user-sign-in");
  expect(signIns).toHaveLength(1);
});

test("overload is answered with 429 and 503, and sign-in works afterwards", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const { deviceToken } = await signIn(service, account);
  const tries = Array.from({ length: 90 }, (_, index) =>
    trySignIn(service, { email: `nobody${index}@example.com`, password: "whatever it is" }),
  );
  const statuses = new Set((await Promise.all(tries)).map((it) => it.status));
  expect([...statuses].every((it) => [401, 429, 503].includes(it))).toBe(true);
  expect((await trySignIn(service, { ...account, deviceToken })).status).toBe(201);
});

test("a password change ends all other sessions and invalidates the old password", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const [here, there] = [await signIn(service, account), await signIn(service, account)];
  const path = `/v1/accounts/${account.id}/password`;
  const newPassword = "another line of words";
  const send = (password: string) =>
    service.send("PUT", path, { as: here.accessToken, body: { password, newPassword } });
  expect((await send("not the password")).status).toBe(403);
  expect((await send(PASSWORD)).status).toBe(204);
  expect(await tokenStatus(service, here.accessToken)).toBe(200);
  await vi.waitFor(async () => expect(await tokenStatus(service, there.accessToken)).toBe(401), {
    timeout: 20_000,
  });
  expect((await trySignIn(service, account)).status).toBe(401);
  expect((await trySignIn(service, { ...account, password: newPassword })).status).toBe(201);
});

test("changing an account requires its ETag and its owner, and closing it is final", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const { accessToken: as } = await signIn(service, account);
  const path = `/v1/accounts/${account.id}`;
  const rename = (ifMatch: string, token: string | undefined = as) =>
    service.send("PATCH", path, {
      as: token,
      headers: { "if-match": ifMatch },
      body: { name: "Grace" },
    });
  expect((await rename('"1"')).json).toMatchObject({ name: "Grace", version: 2 });
  expect((await rename('"1"')).status).toBe(412);
  const other = await signIn(service, await signUp(service));
  expect((await rename('"2"', other.accessToken)).status).toBe(404);
  const close = (ifMatch: string, password: string) =>
    service.send("POST", `${path}/close`, {
      as,
      headers: { "if-match": ifMatch },
      body: { password },
    });
  expect((await close('"2"', "not the password")).status).toBe(403);
  expect((await close('"1"', PASSWORD)).status).toBe(412);
  expect((await close('"2"', PASSWORD)).status).toBe(204);
  const after = await service.send("GET", path, { as: service.root });
  expect(after.json).toMatchObject({ email: null, name: "", version: 3 });
  await signUp(service, { email: account.email });
});

test("passwords are compared and measured independently of their Unicode normalisation form", async () => {
  await using service = await testAccounts();
  const composed = "é".repeat(150) + "and words";
  const account = await signUp(service, { password: composed });
  expect(account.id).toMatch(/^acc_/);
  const typed = { ...account, password: composed.normalize("NFD") };
  expect((await trySignIn(service, typed)).status).toBe(201);
  const short = { email: "short@example.com", name: "Ada", password: "éàüöñéàü".normalize("NFD") };
  expect((await service.send("POST", "/v1/accounts", { body: short })).json).toMatchObject({
    errors: [{ path: "body.password", message: expect.stringContaining("12 characters") }],
  });
});
