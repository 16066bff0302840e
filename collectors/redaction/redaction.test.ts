import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { isLuhn } from "./cards.ts";
import { SecretFinder } from "./find-secrets.ts";
import { SECRET_KINDS, type SecretKind } from "./kinds.ts";
import { redactedText } from "./redact.ts";

const finder = new SecretFinder(new Set(SECRET_KINDS));
const redact = (text: string): string => redactedText(finder, text);

const HEX_32 = "0f3a9c1e7b2d4856a1c9e3f70b5d2846";
const HEX_64 = HEX_32 + "9d1b3f5a7c0e2846b8d0f1a3c5e79b2d";
const MIXED = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9nP1r";
const JWT =
  "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
const PEM_BODY = "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7MhgHcTz6sE2I2yPB";

/** Written in parts, so that scanners of repositories do not take the examples for real ones. */
const of = (...parts: string[]): string => parts.join("");

/** A text with a secret in angle brackets, which is what is replaced. */
const SHAPES: Record<SecretKind, string[]> = {
  card: [
    "paid with <4111111111111111> today",
    "paid with <4111 1111 1111 1111>.",
    "card=<4111-1111-1111-1111>&exp=1227",
    "/pay?pan=<5555555555554444> HTTP/1.1",
    "/pay?pan=<4111+1111+1111+1111>&x=1",
    "/pay?pan=<4111%201111%201111%201111>&x=1",
    "/pay?q=card%20<4111111111111111>&x=1",
    '{"pan":"<378282246310005>"}',
    "amex <3782 822463 10005>",
    "diners <30569309025904> and <3056 930902 5904>",
    "discover <6011111111111117>, jcb <3530111333300000>",
    "mastercard of 2017: <2223003122003222>",
    "unionpay <6200000000000005>; maestro <6759649826438453>",
    "visa of 13 digits: <4222222222222>",
    "card-<4012888888881881>",
    "<4111111111111111>",
  ],
  email: [
    "mail to <joe.bloggs+tag@mail.example.co.uk>, please",
    "/reset?email=<joe%40example.com>&x=1",
    "/reset?to=%2Fa%3Femail%3D<joe%40example.com>",
    "/reset?next=<joe%2540example.com>",
    "from=<<o'neill@example.com>>",
    "198.51.100.7 - <joe@example.com> [17/May/2026:10:05:03 +0000]",
    '{"user":{"email":"<jöe@bücher.example>"}}',
    "<joe@xn--bcher-kva.example>",
    "<joe@example.com>.",
    "to=<a@b.de>,cc=<c@d.fr>;",
    "mailto:<joe@example.com>?subject=hi",
    "<git@example.com> said",
  ],
  jwt: [
    `session <${JWT}>, expired`,
    `/cb#id=<${JWT}>`,
    `{"t":"<${JWT}>"}`,
    `cookie: a=<${JWT}>; b=2`,
    "unsigned <eyJhbGciOiJub25lIn0.eyJzdWIiOiJqb2UifQ.>",
    "encrypted <eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGe.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A.XFBoMYUZodetZdvTiFvSkQ>",
  ],
  key: [
    of("id=<AK", "IAIOSFODNN7EXAMPLE>&x=1"),
    of("temporary <AS", "IAY34FZKBOKMUTVV7A>"),
    of("aws_secret_access_key = <wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY>"),
    of('{"SecretAccessKey":"<wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY>"}'),
    of("?key=<AI", "zaSyA-1234567890abcdefghijklmnopqrstu>&sensor=false"),
    of("stripe <sk_", "live_4eC39HqLyjWDarjtT1zdp7dc> used"),
    of("stripe <rk_", `test_${MIXED}>`),
    of("<wh", `sec_${MIXED}>`),
    of("openai <sk-", `proj-${MIXED}>`),
    of("anthropic <sk-", `ant-api03-${MIXED}>`),
    of("<SG", `.${MIXED.slice(0, 22)}.${MIXED.slice(0, 43)}>`),
    of("<GOC", `SPX-${MIXED.slice(0, 28)}>`),
    of("<PM", `AK-${HEX_32.slice(0, 24)}-${HEX_32}ab>`),
    of("<AGE-", "SECRET-KEY-1QQPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQQPZRY9X8GF2TVDW0S3>"),
    `/v1/items?api_key=<${HEX_32}>&limit=5`,
    `X-Api-Key: <${HEX_32}>`,
    `{"apiKey":"<${HEX_32}>","name":"x"}`,
    `DefaultEndpointsProtocol=https;AccountKey=<${MIXED}==>;EndpointSuffix=x`,
    `wrote <-----BEGIN PRIVATE KEY-----\n${PEM_BODY}\n-----END PRIVATE KEY-----> to x`,
    `{"pem":"<-----BEGIN RSA PRIVATE KEY-----\\n${PEM_BODY}\\n-----END RSA PRIVATE KEY----->\\n"}`,
    `<-----BEGIN OPENSSH PRIVATE KEY-----\n${PEM_BODY}>`,
    `<-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n${PEM_BODY}\n-----END PGP PRIVATE KEY BLOCK----->`,
  ],
  password: [
    "/login?user=joe&password=<hunter2>&x=1",
    "/login?user=joe&passwd=<hunter2> HTTP/1.1",
    "user=joe pwd=<hunter2> level=info",
    "password: <hunter2>",
    "login with password=<p%40ss%26word>&x=1",
    '{"user":"joe","password":"<hunter2>"}',
    '{"user":"joe","password": "<hun\\"ter 2>"}',
    '{"body":"{\\"password\\":\\"<hunter2>\\",\\"a\\":1}"}',
    '{"body":"{\\\\\\"password\\\\\\":\\\\\\"<hunter2>\\\\\\"}"}',
    "{\\x22password\\x22:\\x22<hunter2>\\x22,\\x22a\\x22:1}",
    "/q?json=%7B%22password%22%3A%22<hunter2>%22%7D",
    "/q?next=%2Flogin%3Fpassword%3D<hunter2>%26x%3D1",
    "config{db.password='<hunter 2>'}",
    "clientSecret=<0f3a9c1e7b2d>;",
    '{"client_secret" : "<0f3a9c1e7b2d>"}',
    "postgres://app:<hunter2>@db.example.com:5432/shop",
    "proxy http://joe:<hunter:2>@10.0.0.1:3128 refused",
    "spring.datasource.password=<hunter2>",
  ],
  token: [
    `Authorization: Bearer <${MIXED}>`,
    `authorization=bearer <${MIXED}> x`,
    "Authorization: Basic <am9lOmh1bnRlcjI=>",
    `/cb?access_token=<${MIXED}>&token_type=x`,
    `{"refreshToken":"<${MIXED}>"}`,
    `/o?X-Amz-Date=20260517T100503Z&X-Amz-Signature=<${HEX_64}>`,
    `/o?sv=2022-11-02&sig=<${MIXED.slice(0, 30)}%3D>&se=2026`,
    of("clone with <gh", `p_${MIXED.slice(0, 36)}>`),
    of("<github", `_pat_${MIXED.slice(0, 22)}_${MIXED}>`),
    of("<glp", `at-${MIXED.slice(0, 20)}>`),
    of("<np", `m_${MIXED.slice(0, 36)}>`),
    of("<xox", "b-123456789012-1234567890123-4mt0t4l1YrZr0bHyqYFg7Aqz>"),
    of("<ya", `29.${MIXED}>`),
    of("<shp", `at_${HEX_32}>`),
    of("<do", `p_v1_${HEX_64}>`),
    of("<hv", `s.${MIXED.slice(0, 24)}>`),
    of("<hf", `_${MIXED.slice(0, 34)}>`),
    of("<dck", `r_pat_${MIXED.slice(0, 27)}>`),
    of("<py", `pi-AgEIcHlwaS5vcmc${MIXED}${MIXED}>`),
    "/shop;jsessionid=<0F3A9C1E7B2D4856>?x=1",
  ],
};

/** These look like secrets, or are about them. */
const LOOK_ALIKES: Record<SecretKind, string[]> = {
  card: [
    "order 4111111111111112 fails the check of Luhn",
    "at 1716026703123 ms, 1716026703123456 us, 1716026703123456789 ns",
    "20260517100503123456",
    "trace 4bf92f3577b34da6a3ce929d0e0e4736 span 00f067aa0ba902b7",
    "4111111111111111abcdef and a4111111111111111",
    "0.4111111111111111 and 4111111111111111.5",
    "41111111111111111111111 has too many digits",
    "uuid 41111111-1111-1111-1111-111111111111",
    "1234-4111-1111-1111-1111",
    "bytes 5368709120, 4294967296 and 300000000000000000",
    "10.20.30.40 - - 4111 1111",
    "+49 4111 1111 111",
    "%4111111111111111 and a4111111111111111",
    "4111_1111_1111_1111",
    "9111111111111119 has no issuer",
  ],
  email: [
    "@alice mentioned @bob.smith",
    "react@18.2.0 and lodash@4.17.21",
    "GET /img/logo@2x.png HTTP/1.1",
    "image@sha256:0f3a9c1e7b2d4856",
    "git@github.com:owner/repository.git",
    "getty@tty1.service: deactivated",
    "root@db01 ran it",
    "a @ b.com",
    "/npm/@scope/name.js",
    "50%40 of it",
    "user@localhost",
    "x@.com and x@com. and x@-",
  ],
  jwt: [
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
    "eyJhIjoxfQ.eyJiIjoyfQ.abcdefghij",
    "heyJude.likes.this",
    "Jan Jun Jul JSON",
    "eyJhbGciOiJIUzI1NiJ9. Next sentence",
  ],
  key: [
    "AKIA is the prefix of keys",
    "AKIAIOSFODNN7EXAMPLETOOLONG",
    "api_key=",
    "apiKey=null",
    "monkey=banana&keyboard=qwerty&hotkey=ctrl",
    "-----BEGIN CERTIFICATE-----\nMIIEpAIBAAKCAQEA\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIEpAIBAAKCAQEA\n-----END PUBLIC KEY-----",
    "sk-learn sk_live_ mask-antialias",
    "--------------------",
    "primary_key=42&sort_key=name",
    'accessKeyId":"x',
  ],
  password: [
    "Failed password for root from 203.0.113.9 port 22 ssh2",
    "Invalid password: user joe is locked",
    "password=&user=joe",
    'password="" token=""',
    '{"password":null,"passwordResetRequired":true}',
    '{"password":"***"}',
    "password=[redacted:password]&x=1",
    "/forgot-password?step=2",
    "the secret is: keep going on",
    "secretary=joe passport=x passenger=y pass_count=3",
    "https://example.com/a:b@c",
    "see http://example.com:8080/ and https://user@example/",
    "passwordless=true",
  ],
  token: [
    "Bearer authentication required",
    "Basic authentication failed for joe",
    "bearer of bad news",
    "basic setup: done",
    "max_tokens=100&tokenizer=bpe",
    "token_type=bearer",
    "ghp_ tokens begin so",
    "signature_version=4",
    "next token: none",
    "commit 0f3a9c1e7b2d4856a1c9e3f70b5d28460f3a9c1e",
    "etag 33a64df551425fcc55e4d42a148795d9f25f89d4",
    "xoxo-love",
    "ya29 and hvs.short",
  ],
};

const each = (examples: Record<SecretKind, string[]>): { kind: SecretKind; text: string }[] =>
  SECRET_KINDS.flatMap((kind) => examples[kind].map((text) => ({ kind, text })));

/** A secret in angle brackets, which may itself be in angle brackets. */
const MARKED = /<(?!\/)((?:[^<>]|\n)+)>/g;

describe("secrets are replaced, and nothing else", () => {
  test.each(each(SHAPES))("$kind: $text", ({ kind, text }) => {
    const plain = text.replaceAll(MARKED, "$1");
    const expected = text.replaceAll(MARKED, `[redacted:${kind}]`);
    expect(redact(plain)).toBe(expected);
  });
});

describe("look-alikes stay", () => {
  test.each(each(LOOK_ALIKES))("$kind: $text", ({ text }) => expect(redact(text)).toBe(text));
});

test("ordinary lines of access and error logs stay", () => {
  const lines = [
    '203.0.113.9 - - [17/May/2026:10:05:03 +0000] "GET /item/42?sort=price&page=2 HTTP/1.1" 200 5316 "https://shop.example/?q=shoes" "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"',
    "2026/05/17 10:05:03 [error] 1234#1234: *5678 connect() failed (111: Connection refused) while connecting to upstream",
    "<134>May 17 10:05:03 lb haproxy[42]: 203.0.113.9:51000 [17/May/2026:10:05:03.123] web~ app/srv1 0/0/1/12/13 200 1532 - - ---- 10/9/2/1/0 0/0",
    "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK",
  ];
  for (const line of lines) expect(redact(line)).toBe(line);
});

test("only the kinds that are asked for are replaced", () => {
  const only = new SecretFinder(new Set<SecretKind>(["email"]));
  const text = "joe@example.com paid with 4111111111111111, password=hunter2";
  expect(redactedText(only, text)).toBe(
    "[redacted:email] paid with 4111111111111111, password=hunter2",
  );
});

test("a number in JSON is replaced by a string, so that the document stays JSON", () => {
  const documents = [
    '{"pan":4111111111111111,"n":1}',
    '{"pans":[4111111111111111, 5555555555554444]}',
    '{"password":123456}',
    '{"a":{"token" : -5 }}',
  ];
  for (const text of documents) {
    expect(redact(text)).toContain('"[redacted:');
    expect(() => JSON.parse(redact(text))).not.toThrow();
  }
});

const secret = fc.constantFrom(...each(SHAPES).map(({ text }) => text.replaceAll(MARKED, "$1")));
const noise = fc.string({ unit: fc.constantFrom(...Array.from("aZ09 @=:%&\"'\\[]{},;.-_/Jb4\n")) });
const hostile = fc.array(fc.oneof(secret, noise), { maxLength: 6 }).map((parts) => parts.join(""));

test.each(each(SHAPES))("redacting twice changes nothing more: $text", ({ text }) => {
  const once = redact(text.replaceAll(MARKED, "$1"));
  expect(redact(once)).toBe(once);
});

test("any JSON document stays JSON, also as a string in another one", () => {
  const value = fc.oneof(hostile, fc.constantFrom(4111111111111111, 5, true, null));
  const name = fc.oneof(fc.constantFrom("password", "token", "pan", "api.key", "a"), hostile);
  const document = fc.dictionary(
    name,
    fc.oneof(value, fc.array(value), fc.dictionary(name, value)),
  );
  fc.assert(
    fc.property(document, (object) => {
      const text = JSON.stringify(object);
      expect(() => JSON.parse(redact(text))).not.toThrow();
      const outer = redact(JSON.stringify({ "event.original": text }));
      expect(() => JSON.parse(outer)).not.toThrow();
    }),
    { numRuns: 3_000 },
  );
});

test("a card number is found among any text that is no part of it", () => {
  const card = fc
    .tuple(fc.constantFrom("4", "51", "37", "6011"), fc.stringMatching(/^\d{14}$/))
    .map(([first, rest]) => {
      const length = first === "37" ? 15 : 16;
      const head = (first + rest).slice(0, length - 1);
      return (
        Array.from("0123456789")
          .map((it) => head + it)
          .find(isLuhn) ?? ""
      );
    });
  const edge = fc.constantFrom("", " ", '"', "=", "/", ":", "(", "é", "\t", ",");
  fc.assert(
    fc.property(card, edge, edge, (number, before, after) => {
      expect(redact(`a ${before}${number}${after} b`)).not.toContain(number);
    }),
  );
});

test("bytes that are not UTF-8 are kept", () => {
  const bytes = Buffer.from([0xff, 0x20, ...Buffer.from("joe@example.com"), 0x20, 0xfe]);
  const found = finder.all(bytes, 0, bytes.length);
  expect(found).toMatchObject([{ kind: "email", from: 2, to: 17 }]);
});
