import { createHmac, generateKeyPairSync, sign } from "node:crypto";

import { afterAll, beforeAll, expect, test } from "vitest";

import { type TestAccounts, signIn, signUp, testAccounts } from "./testing.ts";

type Part = Record<string, unknown>;
const encoded = (part: Part): string => Buffer.from(JSON.stringify(part)).toString("base64url");
const decoded = (part = ""): Part => Object(JSON.parse(Buffer.from(part, "base64url").toString()));

let service: TestAccounts;
let header: Part;
let claims: Part;
let real: string;
let publicJwk: Part;
beforeAll(async () => {
  service = await testAccounts();
  real = (await signIn(service, await signUp(service))).accessToken;
  const [head, body] = real.split(".");
  [header, claims] = [decoded(head), decoded(body)];
  const keys: Part[] = Object((await service.send("GET", "/.well-known/jwks.json")).json).keys;
  publicJwk = keys.find((it) => it["kid"] === header["kid"]) ?? {};
});
afterAll(() => service.stop());

const thief = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** Signed as ES256 asks, with the key of somebody else. */
function signed(head: Part, body: Part): string {
  const text = `${encoded(head)}.${encoded(body)}`;
  const dsaEncoding = "ieee-p1363" as const;
  const signature = sign("sha256", Buffer.from(text), { key: thief.privateKey, dsaEncoding });
  return `${text}.${signature.toString("base64url")}`;
}

function keyed(head: Part, key: string | Buffer): string {
  const text = `${encoded(head)}.${encoded(claims)}`;
  return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
}

const FORGERIES: Record<string, () => string> = {
  "without a signature": () => `${encoded({ ...header, alg: "none" })}.${encoded(claims)}.`,
  "without a signature, oddly written": () =>
    `${encoded({ ...header, alg: "nOnE" })}.${encoded(claims)}.`,
  "by the public key as a secret": () =>
    keyed({ ...header, alg: "HS256" }, JSON.stringify(publicJwk)),
  "by a part of the public key as a secret": () =>
    keyed({ ...header, alg: "HS256" }, Buffer.from(String(publicJwk["x"]), "base64url")),
  "by another key under our name": () => signed(header, claims),
  "by a key that it brings along": () => {
    const jwk = thief.publicKey.export({ format: "jwk" });
    return signed({ ...header, jwk }, claims);
  },
  "by a key that it has fetched": () =>
    signed({ ...header, jku: "http://127.0.0.1:9/keys", x5u: "http://127.0.0.1:9/" }, claims),
  "by a key without a name": () => signed({ alg: "ES256", typ: "at+jwt" }, claims),
  "by a key that is named like a property": () => signed({ ...header, kid: "__proto__" }, claims),
  "by a key that is named like SQL": () => signed({ ...header, kid: "' OR 1=1 --" }, claims),
  "with a signature of zeros": () =>
    `${real.slice(0, real.lastIndexOf("."))}.${Buffer.alloc(64).toString("base64url")}`,
  "with the signature of another text": () => {
    const [head, , signature] = real.split(".");
    return `${head}.${encoded({ ...claims, scope: "accounts:*" })}.${signature}`;
  },
};

for (const [name, forge] of Object.entries(FORGERIES)) {
  test(`a token ${name} signs nobody in`, async () => {
    const as = forge();
    expect(as.split(".")).toHaveLength(3);
    expect((await service.send("GET", "/v1/session", { as })).status).toBe(401);
    expect((await service.send("GET", "/oauth/userinfo", { as })).status).toBe(401);
  });
}

test("the token that they were made from does", async () => {
  expect((await service.send("GET", "/v1/session", { as: real })).status).toBe(200);
});
