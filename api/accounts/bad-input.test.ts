import { expect, test } from "vitest";

import { signIn, signUp, testAccounts } from "./testing.ts";

const UNUSUAL: readonly unknown[] = [
  null,
  1e308,
  -1,
  [],
  {},
  "",
  "x".repeat(100_000),
  "\u{1F600}".repeat(50),
  "a\u0000b",
  "' OR 1=1 --",
  "__proto__",
];

test("unusual values in a body are never answered with 5xx", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const { accessToken } = await signIn(service, account);
  const routes: [string, string, Record<string, unknown>][] = [
    [
      "POST",
      "/v1/accounts",
      { email: "a@example.com", password: "a long line of words", name: "A" },
    ],
    [
      "POST",
      "/v1/sessions",
      { email: account.email, password: "x", otp: "1", deviceToken: "qdd_" },
    ],
    ["POST", "/v1/sessions/refresh", { refreshToken: "qdr_x" }],
    ["POST", "/v1/password-resets", { email: "b@example.com" }],
    [
      "POST",
      "/v1/password-resets/confirm",
      { token: "qdp_x", newPassword: "a long line of words" },
    ],
    ["POST", "/v1/email-verifications", { token: "qdv_x" }],
    [
      "POST",
      `/v1/accounts/${account.id}/email-verifications`,
      { email: "c@example.com", password: "x" },
    ],
    [
      "PUT",
      `/v1/accounts/${account.id}/password`,
      { password: "x", newPassword: "a long line of words" },
    ],
    ["POST", `/v1/accounts/${account.id}/authenticator`, { password: "x" }],
    ["POST", `/v1/accounts/${account.id}/authenticator/confirm`, { code: "1" }],
  ];
  for (const [method, path, good] of routes) {
    for (const name of Object.keys(good)) {
      for (const value of UNUSUAL) {
        const body = { ...good, [name]: value };
        const { status, text } = await service.send(method, path, { as: accessToken, body });
        expect(status, `${method} ${path} ${name}: ${text}`).toBeLessThan(500);
      }
    }
  }
});

test("invalid queries and cursors are answered with 400", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const paths = ["/v1/accounts", "/v1/audit", `/v1/accounts/${account.id}/sessions`];
  const cursors = [
    ["x"],
    ["2026-01-01T00:00:00Z", "x".repeat(99)],
    [1e300],
    [-1],
    ["0000-00-00"],
    {},
  ];
  for (const path of paths) {
    for (const cursor of cursors) {
      const text = Buffer.from(JSON.stringify(cursor)).toString("base64url");
      const response = await service.send("GET", `${path}?cursor=${text}`, { as: service.root });
      expect(response.status, `${path} ${JSON.stringify(cursor)}`).toBe(400);
    }
    for (const query of ["limit=0", "limit=1e9", "limit=-1", "nothing=1", "limit=1&limit=2"]) {
      const response = await service.send("GET", `${path}?${query}`, { as: service.root });
      expect(response.status, `${path} ${query}`).toBe(400);
    }
  }
});
