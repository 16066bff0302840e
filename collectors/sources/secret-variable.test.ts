import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { systemClock } from "#platform/clock.ts";

import { RunningSource } from "../configured/running-source.ts";
import { parseSources } from "../configured/sources-file.ts";
import { readSecret } from "./secret-variable.ts";

const SOURCE = {
  database: "kind: database\n    url: postgres://q@db.example/postgres\n    ",
  s3: "kind: s3\n    bucket: my-logs\n    accessKeyId: AKIA1\n    ",
  syslog:
    "kind: syslog\n    transport: tls\n    certificate: /etc/tls/cert.pem\n    key: /etc/tls/key.pem\n    ",
};
const fileWith = (kind: keyof typeof SOURCE, properties: string): string =>
  `sources:\n  - id: shop\n    ${SOURCE[kind]}${properties}\n`;

test.each([
  ["database", "password: ${SHOP_DB_PASSWORD}"],
  ["s3", "secretKey: ${STORE_KEY}"],
  ["syslog", "keyPassphrase: ${TLS_PASSPHRASE}"],
] as const)("a source of kind %s may have %s", (kind, properties) => {
  expect(parseSources(fileWith(kind, properties))).toMatchObject({ ok: true });
});

test.each([
  ["database", "password: s3cret", "sources.0.password"],
  ["database", "password: ${s3cret-with-dash}", "sources.0.password"],
  ["database", "password: x${s3cret}", "sources.0.password"],
  ["database", "password: ${QUARTERDECK_s3cret}", "sources.0.password"],
  ["s3", "secretKey: s3cret", "sources.0.secretKey"],
  ["syslog", "keyPassphrase: s3cret", "sources.0.keyPassphrase"],
] as const)("in a source of kind %s, %s is refused without repeating it", (kind, wrong, field) => {
  const read = parseSources(fileWith(kind, wrong));
  expect(read).toMatchObject({ ok: false, mistakes: [{ field }] });
  expect(JSON.stringify(read)).toContain("refer to an environment variable");
  expect(JSON.stringify(read)).not.toContain("s3cret");
});

test.each([
  ["database", "password: ${A}\n    passwordFile: /run/secrets/db", "give the password once"],
  ["s3", "secretKey: ${A}\n    secretKeyFile: /run/secrets/db", "give the secret key once"],
  ["syslog", "keyPassphrase: ${A}\n    keyPassphraseFile: /run/a", "give the passphrase once"],
] as const)("a source of kind %s has one place for its secret", (kind, both, message) => {
  const read = parseSources(fileWith(kind, both));
  expect(read).toMatchObject({ ok: false });
  expect(JSON.stringify(read)).toContain(message);
});

test("a secret is that of the variable, and one that is not set is named with its field", async () => {
  const place = { file: undefined, variable: "${SHOP_DB_PASSWORD}" };
  expect(await readSecret("password", place, { SHOP_DB_PASSWORD: "pa55" })).toBe("pa55");
  const none = { file: undefined, variable: undefined };
  expect(await readSecret("password", none, { SHOP_DB_PASSWORD: "pa55" })).toBeUndefined();
  for (const environment of [{}, { SHOP_DB_PASSWORD: "" }]) {
    await expect(readSecret("password", place, environment)).rejects.toThrow(
      "password: the environment variable SHOP_DB_PASSWORD is not set",
    );
  }
});

test("a source whose variable is not set states that until it is set", async () => {
  const folder = await mkdtemp(join(tmpdir(), "secret-variable-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const read = parseSources(
    fileWith("s3", "secretKey: ${QD_TEST_UNSET_KEY}\n    endpoint: http://127.0.0.1:9"),
  );
  const [source] = read.ok ? read.file.sources : [];
  if (!source) throw new Error(JSON.stringify(read));
  const running = new RunningSource(source, {
    clock: systemClock,
    dataFolder: folder,
    locksFolder: folder,
  });
  running.start(async () => new Map());
  onTestFinished(() => running.close());
  await running.next();
  void running.next();
  await expect
    .poll(() => running.status().map(({ message }) => message))
    .toEqual([
      expect.stringContaining("secretKey: the environment variable QD_TEST_UNSET_KEY is not set"),
    ]);
  running.stop();
});
