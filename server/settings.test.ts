import { readFileSync } from "node:fs";
import path from "node:path";

import { expect, test } from "vitest";

import { deriveKeys, tokenCheck } from "#api/kit/keys.ts";
import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";
import { envExample, parseSettings, type Setting } from "#platform/settings/settings.ts";

import { workerInput } from "./apis/installation.ts";
import { workerSecrets, workerSettings } from "./apis/service-settings.ts";
import { SERVICES } from "./apis/services.ts";
import { ALL_SETTINGS } from "./settings.ts";

const parse = (
  env: Readonly<Record<string, string>>,
  readFile?: (file: string) => string,
): ReturnType<typeof parseSettings<typeof ALL_SETTINGS>> =>
  parseSettings(ALL_SETTINGS, env, readFile);

test("no setting is required", () => {
  const { control, index } = parse({});
  expect(control).toMatchObject({ port: 4600, host: "127.0.0.1" });
  expect(control.dataFolder).toBe(path.resolve("data"));
  expect(control.databaseUrl).toBeUndefined();
  expect(index.timezone).toBe("UTC");
  expect(index.signIn).toContain("POST /login 2xx,3xx");
});

test("all mistakes are reported at once, each with its variable and a hint", () => {
  const broken = {
    QUARTERDECK_PORT: "eighty",
    QUARTERDECK_TIMEZONE: "Mars/Base",
    QUARTERDECK_SIGN_IN: "POST login",
    DATABASE_URL: "mysql://root:hunter2@db/x",
  };
  expect(() => parse(broken)).toThrow(/4 mistakes/);
  const message = messageOf(() => parse(broken));
  expect(message).toContain('QUARTERDECK_PORT="eighty": give a port number');
  expect(message).toContain('QUARTERDECK_TIMEZONE="Mars/Base": give an IANA time zone');
  expect(message).toContain('QUARTERDECK_SIGN_IN="POST login": write METHOD PATH STATUS');
  expect(message).toContain("DATABASE_URL: give postgres://");
});

test("a secret is not printed in an error message", () => {
  expect(messageOf(() => parse({ DATABASE_URL: "mysql://root:hunter2@db/x" }))).not.toContain(
    "hunter2",
  );
});

test("a secret may be read from a file; setting both, or naming a missing file, is an error", () => {
  const url = "postgres://qd:secret@db/x";
  const read = (file: string): string => {
    if (file !== "/run/secrets/db") throw new Error("no such file");
    return `${url}\n`;
  };
  expect(parse({ DATABASE_URL_FILE: "/run/secrets/db" }, read).control.databaseUrl).toBe(url);
  expect(() => parse({ DATABASE_URL_FILE: "/nowhere" }, read)).toThrow(
    /DATABASE_URL_FILE: \/nowhere cannot be read/,
  );
  expect(() => parse({ DATABASE_URL_FILE: "/run/secrets/db", DATABASE_URL: url }, read)).toThrow(
    /both set/,
  );
});

test("an empty variable counts as unset", () => {
  expect(parse({ QUARTERDECK_PORT: "", DATABASE_URL: "" }).control.port).toBe(4600);
});

test("port 0 means any free port", () => {
  expect(parse({ QUARTERDECK_PORT: "0" }).control.port).toBe(0);
});

test(".env.example lists the settings as the modules declare them", () => {
  expect(readFileSync(".env.example", "utf8")).toBe(envExample(ALL_SETTINGS));
});

test("every default is valid, and no two modules declare a variable differently", () => {
  const declared = new Map<string, Setting>();
  for (const setting of Object.values(ALL_SETTINGS).flatMap((group): Setting[] =>
    Object.values(group),
  )) {
    expect(declared.get(setting.variable) ?? setting, setting.variable).toBe(setting);
    declared.set(setting.variable, setting);
  }
  expect(declared.size).toBeGreaterThan(30);
});

test("the address of a replica set may name several hosts", () => {
  const url = "mongodb://qd:hunter2@a:1,b:2/quarterdeck?replicaSet=rs";
  expect(parse({ MONGODB_URL: url }).management.mongodbUrl).toBe(url);
});

const ELSEWHERE = { PATH: "/bin", QUARTERDECK_PORT: "1", UNKNOWN_TOKEN: "hunter2" };
const SECRETS: Readonly<Record<string, readonly ServiceName[]>> = {
  SMTP_URL: ["accounts"],
  MONGODB_URL_FILE: ["management"],
  WAREHOUSE_URL: ["reporting"],
  AWS_SECRET_ACCESS_KEY: ["reporting"],
  DATABASE_REPLICA_URLS: SERVICE_NAMES,
};

test("a worker gets only the settings of its service, and neither the root key nor a secret of another one", () => {
  const before = process.env;
  process.env = {
    NODE_ENV: "test",
    ...ELSEWHERE,
    ...Object.fromEntries(Object.keys(SECRETS).map((name) => [name, "hunter2"])),
    DATABASE_URL_FILE: "/run/secrets/db",
    API_ROOT_KEY: "root",
  };
  try {
    for (const service of SERVICE_NAMES) {
      const { variables, keys } = workerInput(service, {
        dataFolder: "/data",
        host: "127.0.0.1",
        databaseUrl: "postgres://db/x",
        rootKey: "root",
        isDemo: false,
        urls: { accounts: "http://127.0.0.1:1", [service]: "http://127.0.0.1:2" },
      });
      const secrets = Object.keys(SECRETS).filter((name) => SECRETS[name]?.includes(service));
      const own = `API_${service.toUpperCase()}_URL`;
      const others = ["QUARTERDECK_HOST", "DATABASE_URL"];
      const folder = ["billing", "management"].includes(service) ? [] : ["QUARTERDECK_DATA"];
      const expected = new Set([...secrets, ...others, ...folder, own, "API_ACCOUNTS_URL"]);
      expect(Object.keys(variables).toSorted(), service).toEqual([...expected].toSorted());
      expect(Object.values(variables), service).not.toContain("root");
      expect(tokenCheck(keys.rootKey)("root"), service).toBe(true);
      expect(tokenCheck(keys.rootKey)("rood"), service).toBe(false);
    }
  } finally {
    process.env = before;
  }
});

test("workers of the demo get no mail server, replica, warehouse or other store than their own", () => {
  const before = process.env;
  process.env = {
    NODE_ENV: "test",
    SMTP_URL: "smtp://hunter2",
    MONGODB_URL_FILE: "hunter2",
    WAREHOUSE_URL: "redshift://hunter2",
    DATABASE_REPLICA_URLS: "postgres://hunter2",
    QUARTERDECK_STORE_URL: "file:///hunter2",
    QUARTERDECK_BUS_URL: "file:///hunter2",
  };
  try {
    for (const service of SERVICE_NAMES) {
      const { variables } = workerInput(service, {
        dataFolder: "/data/demo",
        host: "127.0.0.1",
        databaseUrl: "postgres://db/x_demo",
        rootKey: "root",
        isDemo: true,
        urls: {},
      });
      expect(variables["DATABASE_URL"]).toBe("postgres://db/x_demo");
      expect(JSON.stringify(variables), service).not.toContain("hunter2");
    }
  } finally {
    process.env = before;
  }
});

test("a derived key is given only to the services that use it", () => {
  const withKeys = SERVICE_NAMES.map(
    (name) => [name, deriveKeys("root", workerSecrets(name))] as const,
  );
  const holders = (purpose: string) =>
    withKeys.flatMap(([name, keys]) => (purpose in keys.derived ? [name] : []));
  expect(holders("management secrets")).toEqual(["management"]);
  expect(holders("signing keys")).toEqual(["accounts"]);
  expect(holders("service token of reporting")).toEqual(["reporting"]);
  expect(holders("user hash")).toEqual(SERVICE_NAMES);
});

test("the settings and secrets listed for a service are those that it declares", async () => {
  for (const name of SERVICE_NAMES) {
    const service = await SERVICES[name]();
    expect(workerSettings(name).own, name).toEqual(service.settings ?? {});
    expect(workerSecrets(name), name).toEqual(service.secrets ?? []);
  }
}, 120_000);

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "";
}
