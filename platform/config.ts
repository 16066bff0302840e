import { readFileSync } from "node:fs";
import path from "node:path";

import { z } from "zod";

import { type ApiConfig, apiSettings, toApiConfig } from "./api-settings.ts";
import { AppError } from "./errors.ts";

const REQUEST_PATTERN = /^[A-Z]+ \/\S* [1-5](?:\d\d|xx)(?:,[1-5](?:\d\d|xx))*$/;

const requestPatterns = z
  .string()
  .transform((text) =>
    text
      .split(";")
      .map((part) => part.trim())
      .filter((part) => part !== ""),
  )
  .refine((patterns) => patterns.every((pattern) => REQUEST_PATTERN.test(pattern)), {
    error:
      "write METHOD PATH STATUS[,STATUS…], several divided by ;, for example: POST /login 2xx,3xx; POST /api/session 201",
  });

const timezone = z.string().refine(isTimezone, {
  error: "name a time zone of the IANA list, for example UTC or Europe/Berlin",
});

const hours = (fallback: number) =>
  z.coerce
    .number({ error: "give a number of hours" })
    .min(0.1, { error: "give at least 0.1 hours" })
    .max(8_760, { error: "give at most 8760 hours (a year)" })
    .default(fallback);

/**
 * The whole configuration: environment variables, nothing else. `.env.example` is generated from this table, so the
 * description of a setting is also its documentation.
 */
const Environment = z.object({
  QUARTERDECK_DATA: z
    .string()
    .min(1, { error: "name a folder" })
    .default("./data")
    .describe("Folder for everything that Quarterdeck keeps: events, PostgreSQL, its own logs."),
  QUARTERDECK_HOST: z
    .string()
    .regex(/^[\w.:-]+$/, { error: "give an IP address or a host name" })
    .default("127.0.0.1")
    .describe(
      "Address to listen on. The default is reachable from this machine only; to go beyond it, put a TLS proxy in front.",
    ),
  QUARTERDECK_PORT: z.coerce
    .number({ error: "give a port number from 0 to 65535" })
    .int({ error: "give a whole port number" })
    .min(0, { error: "give a port number from 0 to 65535" })
    .max(65_535, { error: "give a port number from 0 to 65535" })
    .default(4600)
    .describe("Port of the control plane; 0 takes any free one."),
  QUARTERDECK_URL: z
    .url({ protocol: /^https?$/, error: "give the address that people type, https://…" })
    .optional()
    .describe(
      "Address under which people reach the control plane through a proxy, for example https://ops.example.com; its host is the only other one that requests may name.",
    ),
  DATABASE_URL: z
    .url({ protocol: /^postgres(?:ql)?$/, error: "give postgres://user:password@host:5432/name" })
    .optional()
    .describe("PostgreSQL 14 or newer to use instead of the embedded one.")
    .meta({ secret: true }),
  QUARTERDECK_TIMEZONE: timezone
    .default("UTC")
    .describe("Time zone of log lines whose times name none (nginx error, Apache error, HAProxy)."),
  QUARTERDECK_SIGN_IN: requestPatterns
    .prefault(
      "POST /login 2xx,3xx; POST /*/login 2xx,3xx; POST /signin 2xx,3xx; POST /*/sign-in 2xx,3xx; POST /api/session 2xx; POST /wp-login.php 3xx",
    )
    .describe(
      "Requests in access logs that are a sign-in: METHOD PATH STATUS[,STATUS…] divided by ;, * stands for any part of the path.",
    ),
  QUARTERDECK_SIGN_OUT: requestPatterns
    .prefault(
      "POST /logout 2xx,3xx; GET /logout 2xx,3xx; POST /*/logout 2xx,3xx; POST /signout 2xx,3xx; POST /*/sign-out 2xx,3xx; DELETE /api/session 2xx",
    )
    .describe("Requests in access logs that are a sign-out, written in the same way."),
  QUARTERDECK_SESSION_IDLE_HOURS: hours(168).describe(
    "A member who does nothing for so many hours is signed out.",
  ),
  QUARTERDECK_SESSION_MAX_HOURS: hours(720).describe(
    "A member is signed out so many hours after signing in, whatever they do.",
  ),
  QUARTERDECK_LOG_LEVEL: z
    .enum(["debug", "info", "warn", "error"], { error: "choose debug, info, warn or error" })
    .default("info")
    .describe(
      "How much Quarterdeck writes to its own log, logs/quarterdeck.log in the data folder.",
    ),
  ...apiSettings,
});

type Settings = z.infer<typeof Environment>;
type SettingName = keyof Settings;

export type Config = {
  /** Absolute path. */
  dataFolder: string;
  host: string;
  /** 0 = any free one. */
  port: number;
  /** Origin under which people come through a proxy. */
  publicUrl: string | undefined;
  /** Without it, PostgreSQL is started as a child in the data folder. */
  databaseUrl: string | undefined;
  /** IANA name, for log times that name no zone. */
  timezone: string;
  /** Request patterns as text: `POST /login 2xx,3xx`. */
  signIn: string[];
  signOut: string[];
  sessionIdleMs: number;
  sessionMaxMs: number;
  logLevel: "debug" | "info" | "warn" | "error";
  /** Of the five domain APIs. */
  api: ApiConfig;
};

type Variables = Readonly<Record<string, string | undefined>>;
const HOUR_MS = 3_600_000;

/**
 * The configuration from environment variables; a secret may lie in a file named by `<NAME>_FILE`.
 * @throws AppError that lists every mistake with the variable's name and what to write instead.
 */
export function parseConfig(
  env: Variables,
  readFile: (file: string) => string = (file) => readFileSync(file, "utf8"),
): Config {
  const mistakes: string[] = [];
  const values = Object.fromEntries(
    settingNames().map((name) => [name, valueOf(name, { env, readFile, mistakes })]),
  );
  const parsed = Environment.safeParse(values);
  if (!parsed.success) {
    mistakes.push(
      ...parsed.error.issues.map(({ path: [name], message }) =>
        complaint(String(name), values[String(name)], message),
      ),
    );
  }
  if (!parsed.success || mistakes.length > 0) {
    throw new AppError(
      "bad_request",
      `The configuration has ${mistakes.length === 1 ? "a mistake" : `${mistakes.length} mistakes`}:\n${mistakes.map((it) => `  ${it}`).join("\n")}`,
    );
  }
  return toConfig(parsed.data);
}

function toConfig(settings: Settings): Config {
  return {
    dataFolder: path.resolve(settings.QUARTERDECK_DATA),
    host: settings.QUARTERDECK_HOST,
    port: settings.QUARTERDECK_PORT,
    publicUrl: settings.QUARTERDECK_URL && new URL(settings.QUARTERDECK_URL).origin,
    databaseUrl: settings.DATABASE_URL,
    timezone: settings.QUARTERDECK_TIMEZONE,
    signIn: settings.QUARTERDECK_SIGN_IN,
    signOut: settings.QUARTERDECK_SIGN_OUT,
    sessionIdleMs: settings.QUARTERDECK_SESSION_IDLE_HOURS * HOUR_MS,
    sessionMaxMs: settings.QUARTERDECK_SESSION_MAX_HOURS * HOUR_MS,
    logLevel: settings.QUARTERDECK_LOG_LEVEL,
    api: toApiConfig(settings),
  };
}

/** The configuration as it may be shown and logged: secrets masked. */
export function printableConfig(config: Config): Record<string, unknown> {
  const { databaseUrl, api, ...rest } = config;
  const masked = (url: string | undefined): string | undefined => url && maskPassword(url);
  return {
    ...rest,
    databaseUrl: masked(databaseUrl) ?? "embedded",
    api: {
      ...api,
      replicaUrls: api.replicaUrls.map(maskPassword),
      rootKey: api.rootKey === undefined ? undefined : "****",
      smtpUrl: masked(api.smtpUrl),
      mongodbUrl: masked(api.mongodbUrl),
      warehouse: { ...api.warehouse, url: masked(api.warehouse.url) },
    },
  };
}

/** Text of `.env.example`: every setting, commented out, with its default. */
export function envExample(): string {
  const defaults = Environment.parse({});
  const lines = settingNames().map((name) => {
    const { description = "" } = z.globalRegistry.get(Environment.shape[name]) ?? {};
    const value = defaults[name] ?? "";
    const text = Array.isArray(value) ? value.join("; ") : String(value);
    const file = isSecret(name) ? [`# ${name}_FILE=`] : [];
    return [`# ${description}`, `# ${name}=${text}`, ...file].join("\n");
  });
  const head =
    "# All settings of Quarterdeck and their defaults. Generated from platform/config.ts: a test keeps it so.\n# A secret may lie in a file: put its path into the variable with _FILE at its end.";
  return `${[head, ...lines].join("\n\n")}\n`;
}

function valueOf(
  name: SettingName,
  from: { env: Variables; readFile: (file: string) => string; mistakes: string[] },
): string | undefined {
  // An empty variable is one that is not set: that is how compose files and CI leave things out.
  const value = from.env[name] || undefined;
  const file = isSecret(name) ? from.env[`${name}_FILE`] || undefined : undefined;
  if (file === undefined) return value;
  if (value !== undefined) {
    from.mistakes.push(`${name} and ${name}_FILE are both set: keep one.`);
    return value;
  }
  try {
    return from.readFile(file).trim();
  } catch (error) {
    from.mistakes.push(
      `${name}_FILE: ${file} cannot be read (${error instanceof Error ? error.message : String(error)}).`,
    );
    return undefined;
  }
}

function complaint(name: string, value: string | undefined, message: string): string {
  const shown = value === undefined || isSecret(name) ? "" : `=${JSON.stringify(value)}`;
  return `${name}${shown}: ${message}`;
}

const settingNames = (): SettingName[] => Environment.keyof().options;

function isSecret(name: string): boolean {
  const field = settingNames().find((known) => known === name);
  return field !== undefined && z.globalRegistry.get(Environment.shape[field])?.["secret"] === true;
}

function maskPassword(url: string): string {
  // The address of several hosts (MongoDB) is no URL: the part before @ is masked as text.
  if (!URL.canParse(url)) return url.replace(/\/\/([^:@/]*):[^@/]*@/, "//$1:****@");
  const masked = new URL(url);
  if (masked.password !== "") masked.password = "****";
  for (const key of masked.searchParams.keys()) {
    if (/password|secret|token/i.test(key)) masked.searchParams.set(key, "****");
  }
  return masked.href;
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
