import { expect, onTestFinished, test } from "vitest";

import { systemClock } from "#platform/clock.ts";

import { parseSources } from "../configured/sources-file.ts";

const fileWith = (url: string): string => `sources:
  - id: shop-db
    kind: database
    url: ${url}
    passwordFile: /etc/quarterdeck/password
`;

test.each([
  "postgres://quarterdeck@db.example/postgres",
  "mysql://quarterdeck@db.example:3307",
  "mariadb://quarterdeck@[2001:db8::1]:3307/shop",
  "mongodb://quarterdeck@db.example/?authSource=admin",
])("%s is the URL of a database", (url) => {
  expect(parseSources(fileWith(url))).toMatchObject({ ok: true });
});

test("the password in a URL may refer to an environment variable, and its error names both", async () => {
  const url = "postgres://quarterdeck:${QD_TEST_UNSET_PASSWORD}@127.0.0.1:9/postgres";
  const text = fileWith(url).replace(/ +passwordFile.*\n/, "");
  expect(parseSources(text)).toMatchObject({ ok: true });
  expect(JSON.stringify(parseSources(fileWith(url)))).toContain("give the password once");
  const read = parseSources(text);
  const [source] = read.ok ? read.file.sources : [];
  const deps = {
    id: "shop-db",
    clock: systemClock,
    dataFolder: "/nowhere",
    locksFolder: "/nowhere",
  };
  const open = await source?.kind.open?.(source.properties, deps);
  if (!open) throw new Error("it is not opened");
  await using _ = open;
  const ending = new AbortController();
  onTestFinished(() => ending.abort());
  const reading = open.read(async () => new Map(), ending.signal)[Symbol.asyncIterator]();
  void reading.next();
  await expect
    .poll(() =>
      open
        .status()
        .map(({ message }) => message)
        .join(),
    )
    .toContain("url: the environment variable QD_TEST_UNSET_PASSWORD is not set");
});

test.each([
  ["postgres://quarterdeck:s3cret@db.example/postgres", "leave the password out of the URL"],
  ["postgres://quarterdeck:x${s3cret}@db.example/postgres", "leave the password out of the URL"],
  ["redis://db.example", "give the URL of a database"],
  ["db.example:5432", "give the URL of a database"],
])("%s is refused with what to do", (url, message) => {
  const read = parseSources(fileWith(url));
  expect(read).toMatchObject({ ok: false, mistakes: [{ line: 4 }] });
  expect(JSON.stringify(read)).toContain(message);
  expect(JSON.stringify(read)).not.toContain("s3cret");
});
