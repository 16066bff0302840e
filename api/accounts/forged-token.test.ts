import { createHmac, generateKeyPairSync, sign } from "node:crypto";

import { afterAll, beforeAll, expect, test } from "vitest";

import { type TestAccounts, signIn, signUp, testAccounts } from "./testing.ts";

type Part = Record<string, unknown>;
const encoded = (part: Part): string => Buffer.from(JSON.stringify(part)).toString("base64url");
const decoded = (part = ""): Part => Object(JSON.parse(Buffer.from(part, "base64url").toString()));

let service: TestAccounts;
let header: Part;
let claims: Part;
let valid: string;
let publicJwk: Part;
beforeAll(async () => {
  service = await testAccounts();
  valid = (await signIn(service, await signUp(service))).accessToken;
  const [head, body] = valid.split(".");
  [header, claims] = [decoded(head), decoded(body)];
  const keys: Part[] = Object((await service.send("GET", "/.well-known/jwks.json")).json).keys;
  publicJwk = keys.find((it) => it["kid"] === header["kid"]) ?? {};
});
afterAll(() => service.stop());

const attacker = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** Signed with ES256 and the attacker's key. */
function signed(head: Part, body: Part): string {
  const text = `${encoded(head)}.${encoded(body)}`;
  const dsaEncoding = "ieee-p1363" as const;
  const signature = sign("sha256", Buffer.from(text), { key: attacker.privateKey, dsaEncoding });
  return `${text}.${signature.toString("base64url")}`;
}

function keyed(head: Part, key: string | Buffer): string {
  const text = `${encoded(head)}.${encoded(claims)}`;
  return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
}

const FORGERIES: Record<string, () => string> = {
  "without a signature (alg none)": () =>
    `${encoded({ ...header, alg: "none" })}.${encoded(claims)}.`,
  "without a signature (alg nOnE)": () =>
    `${encoded({ ...header, alg: "nOnE" })}.${encoded(claims)}.`,
  "signed by HMAC with the public key": () =>
    keyed({ ...header, alg: "HS256" }, JSON.stringify(publicJwk)),
  "signed by HMAC with a part of the public key": () =>
    keyed({ ...header, alg: "HS256" }, Buffer.from(String(publicJwk["x"]), "base64url")),
  "signed by another key with our kid": () => signed(header, claims),
  "signed by the key in its jwk header": () => {
    const jwk = attacker.publicKey.export({ format: "jwk" });
    return signed({ ...header, jwk }, claims);
  },
  "signed by a key to be fetched (jku, x5u)": () =>
    signed({ ...header, jku: "http://127.0.0.1:9/keys", x5u: "http://127.0.0.1:9/" }, claims),
  "signed by a key without kid": () => signed({ alg: "ES256", typ: "at+jwt" }, claims),
  "with a kid like a property": () => signed({ ...header, kid: "__proto__" }, claims),
  "with a kid like SQL": () => signed({ ...header, kid: "' OR 1=1 --" }, claims),
  "with a signature of zeros": () =>
    `${valid.slice(0, valid.lastIndexOf("."))}.${Buffer.alloc(64).toString("base64url")}`,
  "with changed claims": () => {
    const [head, , signature] = valid.split(".");
    return `${head}.${encoded({ ...claims, scope: "accounts:*" })}.${signature}`;
  },
};

for (const [name, forge] of Object.entries(FORGERIES)) {
  test(`a token ${name} is refused`, async () => {
    const as = forge();
    expect(as.split(".")).toHaveLength(3);
    expect((await service.send("GET", "/v1/session", { as })).status).toBe(401);
    expect((await service.send("GET", "/oauth/userinfo", { as })).status).toBe(401);
  });
}

test("the token that the forgeries are derived from is valid", async () => {
  expect((await service.send("GET", "/v1/session", { as: valid })).status).toBe(200);
});
