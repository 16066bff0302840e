import { expect, test } from "vitest";

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

test.each([
  ["postgres://quarterdeck:s3cret@db.example/postgres", "leave the password out of the URL"],
  ["redis://db.example", "give the URL of a database"],
  ["db.example:5432", "give the URL of a database"],
])("%s is refused with what to do", (url, message) => {
  const read = parseSources(fileWith(url));
  expect(read).toMatchObject({ ok: false, mistakes: [{ line: 4 }] });
  expect(JSON.stringify(read)).toContain(message);
  expect(JSON.stringify(read)).not.toContain("s3cret");
});
