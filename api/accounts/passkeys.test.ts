import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";

import { isoCBOR } from "@simplewebauthn/server/helpers";
import { afterAll, beforeAll, expect, test } from "vitest";

import { CHALLENGE_MS } from "./domain/passkeys.ts";
import { PASSWORD, type TestAccounts, signIn, signUp, testAccounts } from "./testing.ts";

let service: TestAccounts;
beforeAll(async () => {
  service = await testAccounts();
});
afterAll(() => service.stop());

/** Flags of authenticator data (WebAuthn, 6.1): user present, user verified, attested credential data. */
const UP = 0x01;
const UV = 0x04;
const AT = 0x40;
const sha256 = (data: string | Buffer): Buffer => createHash("sha256").update(data).digest();
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

type Overrides = { origin?: string; rpId?: string; flags?: number };

/** A software authenticator with one key and a counter. */
function authenticator() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const id = randomBytes(16);
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const bytes = (part: string) => new Uint8Array(Buffer.from(part, "base64url"));
  const cose = new Map<number, number | Uint8Array>([
    [1, 2],
    [3, -7],
    [-1, 1],
    [-2, bytes(x)],
    [-3, bytes(y)],
  ]);
  const state = { counter: 1, userHandle: "" };
  const origin = () => service.url.replace("127.0.0.1", "localhost");
  const clientData = (type: string, challenge: string, overrides: Overrides) =>
    Buffer.from(JSON.stringify({ type, challenge, origin: overrides.origin ?? origin() }));
  const head = (flags: number, { rpId = "localhost" }: Overrides) => {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(state.counter);
    return Buffer.concat([sha256(rpId), Buffer.from([flags]), counter]);
  };
  return {
    state,
    create(options: { challenge: string; user: { id: string } }, overrides: Overrides = {}) {
      state.userHandle = options.user.id;
      const authData = Buffer.concat([
        head((overrides.flags ?? UP | UV) | AT, overrides),
        Buffer.alloc(16),
        Buffer.from([0, id.length]),
        id,
        isoCBOR.encode(cose),
      ]);
      const attestation = new Map<string, unknown>([
        ["fmt", "none"],
        ["attStmt", new Map()],
        ["authData", new Uint8Array(authData)],
      ]);
      return {
        id: text(id),
        rawId: text(id),
        type: "public-key",
        response: {
          clientDataJSON: text(clientData("webauthn.create", options.challenge, overrides)),
          attestationObject: text(
            isoCBOR.encode(attestation as Parameters<typeof isoCBOR.encode>[0]),
          ),
          transports: ["internal"],
        },
      };
    },
    get(options: { challenge: string }, overrides: Overrides = {}) {
      state.counter += 1;
      const authenticatorData = head(overrides.flags ?? UP | UV, overrides);
      const data = clientData("webauthn.get", options.challenge, overrides);
      const signed = Buffer.concat([authenticatorData, sha256(data)]);
      return {
        id: text(id),
        rawId: text(id),
        type: "public-key",
        response: {
          clientDataJSON: text(data),
          authenticatorData: text(authenticatorData),
          signature: text(sign("sha256", signed, privateKey)),
          userHandle: state.userHandle,
        },
      };
    },
  };
}

async function person(): Promise<{ id: string; as: string }> {
  const account = await signUp(service);
  return { id: account.id, as: (await signIn(service, account)).accessToken };
}

type Options = {
  publicKey: { challenge: string; user: { id: string }; excludeCredentials: unknown[] };
};

async function registration(as: string): Promise<Options["publicKey"]> {
  const answer = await service.send("POST", "/v1/passkeys/registrations", {
    as,
    body: { password: PASSWORD },
  });
  expect(answer.status).toBe(201);
  return (answer.json as Options).publicKey;
}

const register = (as: string, credential: unknown) =>
  service.send("POST", "/v1/passkeys", { as, body: { name: "My key", credential } });

async function newChallenge(): Promise<{ challenge: string }> {
  const answer = await service.send("POST", "/v1/passkeys/challenges");
  expect(answer.status).toBe(201);
  return (answer.json as Options).publicKey;
}

const signInWith = (credential: unknown) =>
  service.send("POST", "/v1/passkeys/sessions", { body: { credential } });

async function withPasskey() {
  const ada = await person();
  const device = authenticator();
  const registered = await register(ada.as, device.create(await registration(ada.as)));
  expect(registered.status).toBe(201);
  return { ...ada, device, passkey: registered.json as { id: string } };
}

test("a registered passkey signs in as multiple factors", async () => {
  const { id, device } = await withPasskey();
  const answer = await signInWith(device.get(await newChallenge()));
  expect(answer.status).toBe(201);
  expect(answer.json).toMatchObject({ account: { id }, session: { method: "passkey" } });
  const as = (answer.json as { accessToken: string }).accessToken;
  const listed = await service.send("GET", "/v1/passkeys", { as });
  expect(listed.json).toMatchObject({
    items: [{ name: "My key", lastUsedAt: expect.any(String) }],
  });
  const events = service.lines.filter((it) => it["event.action"] === "user-sign-in");
  expect(events.at(-1)).toMatchObject({ "event.outcome": "success" });
});

test("an assertion is valid once, within the lifetime of its challenge", async () => {
  const { device } = await withPasskey();
  const credential = device.get(await newChallenge());
  const responses = await Promise.all([
    signInWith(credential),
    signInWith(credential),
    signInWith(credential),
  ]);
  expect(responses.filter((it) => it.status === 201)).toHaveLength(1);
  const late = await newChallenge();
  service.clock.now += CHALLENGE_MS;
  expect((await signInWith(device.get(late))).status).toBe(401);
  expect((await signInWith(device.get({ challenge: text(randomBytes(32)) }))).status).toBe(401);
});

test("assertions without user verification, for another origin, or with a lower counter are refused", async () => {
  const { device } = await withPasskey();
  const refused = async (overrides: Overrides) =>
    (await signInWith(device.get(await newChallenge(), overrides))).status;
  expect(await refused({ flags: UP })).toBe(401);
  expect(await refused({ origin: "https://evil.example" })).toBe(401);
  expect(await refused({ rpId: "evil.example" })).toBe(401);
  expect((await signInWith(device.get(await newChallenge()))).status).toBe(201);
  device.state.counter -= 1;
  expect((await signInWith(device.get(await newChallenge()))).status).toBe(401);
  const trail = await service.send("GET", "/v1/audit?limit=20", { as: service.root });
  expect(trail.text).toContain("counter");
});

test("registering a passkey requires the password, the own challenge and user verification", async () => {
  const [ada, eve] = [await person(), await person()];
  const wrong = await service.send("POST", "/v1/passkeys/registrations", {
    as: ada.as,
    body: { password: "wrong" },
  });
  expect(wrong.status).toBe(403);
  const device = authenticator();
  const options = await registration(ada.as);
  expect((await register(eve.as, device.create(options))).status).toBe(400);
  const unverified = device.create(await registration(ada.as), { flags: UP });
  expect((await register(ada.as, unverified)).json).toMatchObject({
    status: 400,
    errors: [{ path: "body.credential" }],
  });
  expect((await register(ada.as, device.create(options))).status).toBe(201);
  const again = await registration(ada.as);
  expect(again.excludeCredentials).toHaveLength(1);
  expect((await register(ada.as, device.create(again))).status).toBe(409);
});

test("passkeys can be renamed and deleted by their owner only, and a deleted one is refused", async () => {
  const { as, device, passkey } = await withPasskey();
  const eve = await person();
  const path = `/v1/passkeys/${passkey.id}`;
  const headers = { "if-match": "*" };
  const rename = (token: string) =>
    service.send("PATCH", path, { as: token, headers, body: { name: "Phone" } });
  expect((await rename(eve.as)).status).toBe(404);
  expect((await rename(as)).json).toMatchObject({ name: "Phone", version: 2 });
  expect((await service.send("DELETE", path, { as: eve.as, headers })).status).toBe(404);
  expect((await service.send("DELETE", path, { as, headers })).status).toBe(204);
  expect((await signInWith(device.get(await newChallenge()))).status).toBe(401);
});

test("malformed credentials are refused", async () => {
  const { as, device } = await withPasskey();
  const good = device.get(await newChallenge());
  const broken = [
    { ...good, id: "AAAA" },
    { ...good, response: { ...good.response, authenticatorData: "AAAA" } },
    { ...good, response: { ...good.response, clientDataJSON: "AAAA" } },
    { ...good, response: { ...good.response, signature: "AAAA" } },
    { ...good, response: { ...good.response, userHandle: "AAAA" } },
  ];
  for (const credential of broken) expect((await signInWith(credential)).status).toBe(401);
  expect((await signInWith({})).status).toBe(400);
  const credential = authenticator().create(await registration(as));
  const bad = { ...credential, response: { ...credential.response, attestationObject: "AAAA" } };
  expect((await register(as, bad)).status).toBe(400);
});
