import { type JWTVerifyGetKey, SignJWT, errors, generateKeyPair } from "jose";
import { expect, test } from "vitest";

import { ACCESS_TOKEN_ALGORITHM, AUDIENCE, tokenAuthenticator } from "./tokens.ts";

const ISSUER = "http://accounts.test";
const SUBJECT = `acc_${"0".repeat(24)}`;
const MINUTE_MS = 60_000;
const YEAR_S = 366 * 86_400;

/** An authenticator with keys and time that the test changes, and a token that is valid for a year. */
async function longToken() {
  const { publicKey, privateKey } = await generateKeyPair(ACCESS_TOKEN_ALGORITHM);
  const state: { nowMs: number; keys: "available" | "withdrawn" | "unavailable"; fetches: number } =
    {
      nowMs: Date.UTC(2026, 0),
      keys: "available",
      fetches: 0,
    };
  const keys: JWTVerifyGetKey = async () => {
    state.fetches += 1;
    if (state.keys === "withdrawn") throw new errors.JWKSNoMatchingKey();
    if (state.keys === "unavailable") throw new errors.JWKSTimeout();
    return publicKey;
  };
  const authenticate = tokenAuthenticator({ keys, issuer: ISSUER, nowMs: () => state.nowMs });
  const token = await new SignJWT({ sub: SUBJECT, iss: ISSUER, aud: AUDIENCE })
    .setProtectedHeader({ alg: ACCESS_TOKEN_ALGORITHM, typ: "at+jwt", kid: "stolen" })
    .setExpirationTime(state.nowMs / 1_000 + YEAR_S)
    .sign(privateKey);
  return { state, idOf: async () => (await authenticate(token))?.id };
}

test("a token of a withdrawn key is rejected after a minute, whenever it expires", async () => {
  const { state, idOf } = await longToken();
  expect(await idOf()).toBe(SUBJECT);
  state.nowMs += MINUTE_MS - 1;
  expect(await idOf()).toBe(SUBJECT);
  expect(state.fetches).toBe(1);
  state.keys = "withdrawn";
  state.nowMs += 1;
  expect(await idOf()).toBeUndefined();
  state.keys = "unavailable";
  await expect(idOf()).rejects.toMatchObject({ code: "unavailable" });
});

test("while the keys are unavailable, a verified token is accepted until it expires", async () => {
  const { state, idOf } = await longToken();
  expect(await idOf()).toBe(SUBJECT);
  state.keys = "unavailable";
  state.nowMs += 5 * MINUTE_MS;
  expect(await idOf()).toBe(SUBJECT);
  state.nowMs += YEAR_S * 1_000;
  await expect(idOf()).rejects.toMatchObject({ code: "unavailable" });
});
