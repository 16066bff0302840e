import { readFileSync } from "node:fs";
import path from "node:path";

import { expect, test } from "vitest";

import { envExample, parseConfig, printableConfig } from "./config.ts";

test("nothing has to be configured", () => {
  const config = parseConfig({});
  expect(config).toMatchObject({ port: 4600, host: "127.0.0.1", timezone: "UTC" });
  expect(config.dataFolder).toBe(path.resolve("data"));
  expect(config.signIn).toContain("POST /login 2xx,3xx");
  expect(config.databaseUrl).toBeUndefined();
});

test("all mistakes are reported at once, each with its variable and what to write", () => {
  const broken = {
    QUARTERDECK_PORT: "eighty",
    QUARTERDECK_TIMEZONE: "Mars/Base",
    QUARTERDECK_SIGN_IN: "POST login",
    DATABASE_URL: "mysql://root:hunter2@db/x",
  };
  expect(() => parseConfig(broken)).toThrow(/4 mistakes/);
  const message = messageOf(() => parseConfig(broken));
  expect(message).toContain('QUARTERDECK_PORT="eighty": give a port number');
  expect(message).toContain('QUARTERDECK_TIMEZONE="Mars/Base": name a time zone');
  expect(message).toContain('QUARTERDECK_SIGN_IN="POST login": write METHOD PATH STATUS');
  expect(message).toContain("DATABASE_URL: give postgres://");
});

test("a secret is never printed, neither in a complaint nor in the printable configuration", () => {
  expect(messageOf(() => parseConfig({ DATABASE_URL: "mysql://root:hunter2@db/x" }))).not.toContain(
    "hunter2",
  );
  const config = parseConfig({ DATABASE_URL: "postgres://qd:hunter2@db/x?password=hunter2" });
  const printed = JSON.stringify(printableConfig(config));
  expect(printed).not.toContain("hunter2");
  expect(printed).toContain("db/x");
});

test("a secret may lie in a file; both at once, or a file that is not there, is a mistake", () => {
  const url = "postgres://qd:secret@db/x";
  const read = (file: string): string => {
    if (file !== "/run/secrets/db") throw new Error("no such file");
    return `${url}\n`;
  };
  expect(parseConfig({ DATABASE_URL_FILE: "/run/secrets/db" }, read).databaseUrl).toBe(url);
  expect(() => parseConfig({ DATABASE_URL_FILE: "/nowhere" }, read)).toThrow(
    /DATABASE_URL_FILE: \/nowhere cannot be read/,
  );
  expect(() =>
    parseConfig({ DATABASE_URL_FILE: "/run/secrets/db", DATABASE_URL: url }, read),
  ).toThrow(/both set/);
});

test("an empty variable is the same as none", () => {
  expect(parseConfig({ QUARTERDECK_PORT: "", DATABASE_URL: "" }).port).toBe(4600);
});

test("0 is a port: any free one", () => {
  expect(parseConfig({ QUARTERDECK_PORT: "0" }).port).toBe(0);
});

test(".env.example is what the schema says", () => {
  expect(readFileSync(".env.example", "utf8")).toBe(envExample());
});

test("the address of a replica set may name several hosts, and its password is shown nowhere", () => {
  const config = parseConfig({
    MONGODB_URL: "mongodb://qd:hunter2@a:1,b:2/quarterdeck?replicaSet=rs",
  });
  expect(config.api.mongodbUrl).toContain("a:1,b:2");
  expect(JSON.stringify(printableConfig(config))).not.toContain("hunter2");
});

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "";
}
