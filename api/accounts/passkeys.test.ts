import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";

import { isoCBOR } from "@simplewebauthn/server/helpers";
import { afterAll, beforeAll, expect, test } from "vitest";

import { testService } from "#api/kit/testing.ts";

import { CHALLENGE_MS } from "./domain/passkeys.ts";
import { accounts } from "./service.ts";

type Service = Awaited<ReturnType<typeof testService>>;
let service: Service;
beforeAll(async () => {
  service = await testService(accounts);
});
afterAll(() => service.stop());

const PASSWORD = "correct horse battery staple";
const UP = 0x01;
const UV = 0x04;
const ATTESTED = 0x40;
const sha256 = (data: string | Buffer): Buffer => createHash("sha256").update(data).digest();
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

type Touch = { origin?: string; rpId?: string; flags?: number };

/** An authenticator in software: one key, and a counter. */
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
  const clientData = (type: string, challenge: string, touch: Touch) =>
    Buffer.from(JSON.stringify({ type, challenge, origin: touch.origin ?? origin() }));
  const head = (flags: number, { rpId = "localhost" }: Touch) => {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(state.counter);
    return Buffer.concat([sha256(rpId), Buffer.from([flags]), counter]);
  };
  return {
    state,
    create(options: { challenge: string; user: { id: string } }, touch: Touch = {}) {
      state.userHandle = options.user.id;
      const authData = Buffer.concat([
        head((touch.flags ?? UP | UV) | ATTESTED, touch),
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
          clientDataJSON: text(clientData("webauthn.create", options.challenge, touch)),
          attestationObject: text(
            isoCBOR.encode(attestation as Parameters<typeof isoCBOR.encode>[0]),
          ),
          transports: ["internal"],
        },
      };
    },
    get(options: { challenge: string }, touch: Touch = {}) {
      state.counter += 1;
      const authenticatorData = head(touch.flags ?? UP | UV, touch);
      const data = clientData("webauthn.get", options.challenge, touch);
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

let people = 0;

async function person(): Promise<{ id: string; as: string }> {
  people += 1;
  const email = `keys${people}@example.com`;
  await service.send("POST", "/v1/accounts", { body: { email, password: PASSWORD, name: "Ada" } });
  const answer = await service.send("POST", "/v1/sessions", {
    body: { email, password: PASSWORD },
  });
  const json = answer.json as { accessToken: string; account: { id: string } };
  return { id: json.account.id, as: json.accessToken };
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

const signIn = (credential: unknown) =>
  service.send("POST", "/v1/passkeys/sessions", { body: { credential } });

async function withPasskey() {
  const ada = await person();
  const device = authenticator();
  const kept = await register(ada.as, device.create(await registration(ada.as)));
  expect(kept.status).toBe(201);
  return { ...ada, device, passkey: kept.json as { id: string } };
}

test("a passkey that somebody registered signs them in, as more than one factor", async () => {
  const { id, device } = await withPasskey();
  const answer = await signIn(device.get(await newChallenge()));
  expect(answer.status).toBe(201);
  expect(answer.json).toMatchObject({ account: { id }, session: { method: "passkey" } });
  const as = (answer.json as { accessToken: string }).accessToken;
  const listed = await service.send("GET", "/v1/passkeys", { as });
  expect(listed.json).toMatchObject({
    items: [{ name: "My key", lastUsedAt: expect.any(String) }],
  });
  const seen = service.lines.filter((it) => it["event.action"] === "user-sign-in");
  expect(seen.at(-1)).toMatchObject({ "event.outcome": "success" });
});

test("what an authenticator signed counts once, and in time", async () => {
  const { device } = await withPasskey();
  const credential = device.get(await newChallenge());
  const answers = await Promise.all([signIn(credential), signIn(credential), signIn(credential)]);
  expect(answers.filter((it) => it.status === 201)).toHaveLength(1);
  const late = await newChallenge();
  service.clock.now += CHALLENGE_MS;
  expect((await signIn(device.get(late))).status).toBe(401);
  expect((await signIn(device.get({ challenge: text(randomBytes(32)) }))).status).toBe(401);
});

test("a passkey does not sign in without asking who is there, for another site, or with a copied key", async () => {
  const { device } = await withPasskey();
  const refused = async (touch: Touch) =>
    (await signIn(device.get(await newChallenge(), touch))).status;
  expect(await refused({ flags: UP })).toBe(401);
  expect(await refused({ origin: "https://evil.example" })).toBe(401);
  expect(await refused({ rpId: "evil.example" })).toBe(401);
  expect((await signIn(device.get(await newChallenge()))).status).toBe(201);
  device.state.counter -= 1;
  expect((await signIn(device.get(await newChallenge()))).status).toBe(401);
  const trail = await service.send("GET", "/v1/audit?limit=20", { as: service.root });
  expect(trail.text).toContain("counter");
});

test("a passkey is registered by whoever has the password, for themselves, with somebody there", async () => {
  const [ada, eve] = [await person(), await person()];
  const wrong = await service.send("POST", "/v1/passkeys/registrations", {
    as: ada.as,
    body: { password: "wrong" },
  });
  expect(wrong.status).toBe(403);
  const device = authenticator();
  const options = await registration(ada.as);
  expect((await register(eve.as, device.create(options))).status).toBe(400);
  const quiet = device.create(await registration(ada.as), { flags: UP });
  expect((await register(ada.as, quiet)).json).toMatchObject({
    status: 400,
    errors: [{ path: "body.credential" }],
  });
  expect((await register(ada.as, device.create(options))).status).toBe(201);
  const again = await registration(ada.as);
  expect(again.excludeCredentials).toHaveLength(1);
  expect((await register(ada.as, device.create(again))).status).toBe(409);
});

test("a passkey of somebody else is not there; one's own is renamed and deleted, and then signs nobody in", async () => {
  const { as, device, passkey } = await withPasskey();
  const eve = await person();
  const path = `/v1/passkeys/${passkey.id}`;
  const headers = { "if-match": "*" };
  const rename = (who: string) =>
    service.send("PATCH", path, { as: who, headers, body: { name: "Phone" } });
  expect((await rename(eve.as)).status).toBe(404);
  expect((await rename(as)).json).toMatchObject({ name: "Phone", version: 2 });
  expect((await service.send("DELETE", path, { as: eve.as, headers })).status).toBe(404);
  expect((await service.send("DELETE", path, { as, headers })).status).toBe(204);
  expect((await signIn(device.get(await newChallenge()))).status).toBe(401);
});

test("what is no passkey is refused and breaks nothing", async () => {
  const { as, device } = await withPasskey();
  const good = device.get(await newChallenge());
  const broken = [
    { ...good, id: "AAAA" },
    { ...good, response: { ...good.response, authenticatorData: "AAAA" } },
    { ...good, response: { ...good.response, clientDataJSON: "AAAA" } },
    { ...good, response: { ...good.response, signature: "AAAA" } },
    { ...good, response: { ...good.response, userHandle: "AAAA" } },
  ];
  for (const credential of broken) expect((await signIn(credential)).status).toBe(401);
  expect((await signIn({})).status).toBe(400);
  const made = authenticator().create(await registration(as));
  const bad = { ...made, response: { ...made.response, attestationObject: "AAAA" } };
  expect((await register(as, bad)).status).toBe(400);
});
