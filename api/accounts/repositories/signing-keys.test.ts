import { decodeProtectedHeader } from "jose";
import { expect, test, vi } from "vitest";

import type { Kit, Service } from "#api/kit/service.ts";
import { type TestService, testService } from "#api/kit/testing.ts";
import { AUDIENCE } from "#platform/http/tokens.ts";

import { ACCESS_TOKEN_S, accessTokenClaims } from "../domain/access-token.ts";
import {
  KEY_ACTIVE_MS,
  KEY_PUBLISHED_AHEAD_MS,
  KEY_RETIRED_MS,
  stateOf,
} from "../domain/signing-keys.ts";
import { coreMigrations } from "./migrations-core.ts";
import { identityMigrations } from "./migrations-identity.ts";
import { type SigningKeys, openSigningKeys } from "./signing-keys.ts";

type Opened = TestService & { databaseUrl: string; keys: SigningKeys; kit: Kit };

/** Accounts with its signing keys only. */
async function open(options: { databaseUrl?: string } = {}): Promise<Opened> {
  let opened: { keys: SigningKeys; kit: Kit } | undefined;
  const service: Service = {
    name: "accounts",
    title: "Accounts",
    description: "",
    migrations: [...coreMigrations, ...identityMigrations],
    secrets: ["signing keys"],
    jobs: [],
    events: [],
    open: async (kit) => {
      opened = { kit, keys: openSigningKeys(kit) };
      return { routes: [], jobs: {} };
    },
  };
  const running = await testService(service, options);
  if (opened === undefined) throw new Error("not opened");
  return { ...running, ...opened };
}

const access = (service: Opened): Promise<string> =>
  service.keys.sign(
    accessTokenClaims({
      issuer: service.kit.url,
      audience: AUDIENCE,
      subject: "acc_1",
      clientId: "quarterdeck",
      permissions: ["a:b:c"],
      id: "1",
      nowMs: service.clock.now,
    }),
    { typ: "at+jwt" },
  );

const states = async (keys: SigningKeys): Promise<string[]> =>
  (await keys.info()).map(stateOf).toSorted();

test("a token is valid until it expires, for its type and audience only", async () => {
  await using service = await open();
  const token = await access(service);
  expect(await service.keys.verify(token)).toMatchObject({ sub: "acc_1", scope: "a:b:c" });
  expect(await service.keys.verify(token, { typ: "JWT" })).toBeUndefined();
  expect(await service.keys.verify(token, { typ: "at+jwt", audience: "other" })).toBeUndefined();
  expect(await service.keys.verify(`${token.slice(0, -4)}AAAA`)).toBeUndefined();
  expect(await service.keys.verify("nonsense")).toBeUndefined();
  service.clock.now += ACCESS_TOKEN_S * 1_000;
  expect(await service.keys.verify(token)).toBeUndefined();
});

test("concurrently started processes create one active and one next key", async () => {
  await using first = await open();
  await using second = await open({ databaseUrl: first.databaseUrl });
  const tokens = await Promise.all([first, second, first, second].map(access));
  expect(new Set(tokens.map((it) => decodeProtectedHeader(it).kid)).size).toBe(1);
  expect(await states(second.keys)).toEqual(["active", "next"]);
});

test("keys are published before and after they sign, through years of rotation", async () => {
  await using service = await open();
  for (let turn = 0; turn < 5; turn += 1) {
    const token = await access(service);
    const published = new Set((await service.keys.jwks()).keys.map((it) => it.kid));
    service.clock.now += KEY_ACTIVE_MS;
    const later = await access(service);
    expect(decodeProtectedHeader(later).kid).not.toBe(decodeProtectedHeader(token).kid);
    expect(published).toContain(decodeProtectedHeader(later).kid);
    const still = (await service.keys.jwks()).keys.map((it) => it.kid);
    expect(still).toContain(decodeProtectedHeader(token).kid);
    expect(await states(service.keys)).toEqual(["active", "next", "retired"]);
    service.clock.now += KEY_RETIRED_MS;
    expect(await states(service.keys)).toEqual(["active", "next"]);
  }
});

test("concurrent rotations by age rotate once", async () => {
  await using first = await open();
  await using second = await open({ databaseUrl: first.databaseUrl });
  await access(first);
  await access(second);
  first.clock.now += KEY_ACTIVE_MS;
  second.clock.now = first.clock.now;
  await Promise.all([first, second, first, second].map(access));
  expect(await states(first.keys)).toEqual(["active", "next", "retired"]);
});

test("a rotation is refused before the next key is published long enough, then reaches all processes", async () => {
  await using service = await open();
  await using other = await open({ databaseUrl: service.databaseUrl });
  await access(service);
  await access(other);
  const rotate = (withdraw: boolean) =>
    service.database.transaction((tx) =>
      service.keys.rotate(tx, { nowMs: service.clock.now, withdraw }),
    );
  expect(await rotate(false)).toEqual({ waitUntilMs: service.clock.now + KEY_PUBLISHED_AHEAD_MS });
  service.clock.now += KEY_PUBLISHED_AHEAD_MS;
  expect(await rotate(false)).toBeUndefined();
  await vi.waitFor(
    async () => expect(await states(other.keys)).toEqual(["active", "next", "retired"]),
    { timeout: 20_000 },
  );
});

test("a rotation after a leak invalidates all tokens of the old keys", async () => {
  await using service = await open();
  const token = await access(service);
  const rotate = { nowMs: service.clock.now, withdraw: true };
  await service.database.transaction((tx) => service.keys.rotate(tx, rotate));
  await vi.waitFor(async () => expect(await service.keys.verify(token)).toBeUndefined(), {
    timeout: 20_000,
  });
  expect(await states(service.keys)).toEqual(["active", "next"]);
  expect(await service.keys.verify(await access(service))).toMatchObject({ sub: "acc_1" });
});

test("private keys are stored encrypted and are not published", async () => {
  await using service = await open();
  await access(service);
  const rows = await service.database.query("SELECT private_key FROM signing_keys");
  for (const { private_key: sealed } of rows) {
    expect(Buffer.isBuffer(sealed) && sealed.includes('"d"')).toBe(false);
  }
  for (const key of (await service.keys.jwks()).keys) expect(key).not.toHaveProperty("d");
});
