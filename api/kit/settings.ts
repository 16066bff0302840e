import { isIP } from "node:net";

import { z } from "zod";

import { hostSettings } from "#platform/http/settings.ts";
import { databaseSettings, replicaSettings } from "#platform/postgres/settings.ts";
import { logSettings } from "#platform/settings/log-level.ts";
import { portNumber } from "#platform/settings/schemas.ts";
import {
  type Environment,
  parseSettings,
  type Setting,
  type SettingGroup,
  type SettingsOf,
} from "#platform/settings/settings.ts";

import type { Service, ServiceName } from "./service.ts";

const webUrl = z.url({
  protocol: /^https?$/,
  error: "give a URL that starts with http:// or https://",
});

/** URL of each domain API; default: the address it listens on. */
export const apiUrlSettings = {
  accounts: {
    variable: "API_ACCOUNTS_URL",
    schema: webUrl,
    default: "http://127.0.0.1:4601",
    description: "Public URL of Accounts, also the issuer of access tokens.",
  },
  billing: {
    variable: "API_BILLING_URL",
    schema: webUrl,
    default: "http://127.0.0.1:4602",
    description: "Public URL of Billing, from which Reporting reads events.",
  },
  management: publicUrlOf("Management"),
  logging: publicUrlOf("Logging"),
  reporting: publicUrlOf("Reporting"),
} satisfies Record<ServiceName, Setting>;

function publicUrlOf(title: string) {
  return {
    variable: `API_${title.toUpperCase()}_URL`,
    schema: webUrl,
    description: `Public URL of ${title}. Default: the address on which it listens.`,
  };
}

export const apiPortSettings = {
  accounts: portOf("Accounts", 4601),
  billing: portOf("Billing", 4602),
  management: portOf("Management", 4603),
  logging: portOf("Logging", 4604),
  reporting: portOf("Reporting", 4605),
} satisfies Record<ServiceName, Setting>;

function portOf(title: string, port: number) {
  return {
    variable: `API_${title.toUpperCase()}_PORT`,
    schema: portNumber,
    default: String(port),
    description: `Port of the ${title} API under npm start; 0 means any free port.`,
  };
}

/** Settings of the processes that start services. Services get keys derived from the root key instead of it. */
export const installationSettings = {
  ...hostSettings,
  ...databaseSettings,
  rootKey: {
    variable: "API_ROOT_KEY",
    schema: z.string().min(32, { error: "give at least 32 characters" }),
    description:
      "Key with all permissions in the domain APIs, from which their other secrets are derived. Default: generated in the data folder.",
    secret: true,
  },
} satisfies SettingGroup;

export const workerCountSettings = {
  /** 0: one per available CPU. */
  workers: {
    variable: "API_WORKERS",
    schema: z.coerce
      .number({ error: "give a number of processes" })
      .int({ error: "give a whole number" })
      .min(0, { error: "give 0 (one per available CPU) or more" })
      .max(64, { error: "give at most 64" }),
    default: "0",
    description: "Worker processes of each domain API; 0 means one per available CPU.",
  },
} satisfies SettingGroup;

/** Settings that every service process reads, in addition to the service's own. */
export const kitSettings = {
  ...hostSettings,
  ...databaseSettings,
  ...replicaSettings,
  ...logSettings,
  accountsUrl: apiUrlSettings.accounts,
  /** Rate limit of each caller in each worker. */
  requestsPerSecond: {
    variable: "API_REQUESTS_PER_SECOND",
    schema: z.coerce
      .number({ error: "give a number of requests" })
      .int({ error: "give a whole number" })
      .min(1, { error: "give at least 1" })
      .max(1_000_000, { error: "give at most 1000000" }),
    default: "200",
    description:
      "Requests per second that each caller of a domain API may send to each worker process; bursts may be twice as large.",
  },
  /** IP addresses and networks (CIDR) whose X-Forwarded-For is trusted. */
  trustedProxies: {
    variable: "API_TRUSTED_PROXIES",
    schema: z
      .string()
      .transform((text) =>
        text.trim() === "none" ? [] : text.split(/[,;]/).map((it) => it.trim()),
      )
      .refine((proxies) => proxies.every(isNetwork), {
        error: "give IP addresses and networks such as 10.0.0.0/8, separated by commas, or none",
      }),
    default: "127.0.0.0/8, ::1",
    description:
      "Proxies in front of the domain APIs, separated by commas, or none. X-Forwarded-For is trusted only from these, so each must set or append to it.",
  },
  release: {
    variable: "API_RELEASE",
    schema: z
      .string()
      .regex(/^[\w.+-]{1,64}$/, { error: "give a version of at most 64 letters, digits and .+-_" }),
    default: "0.1.0",
    description: "Release of the domain APIs: a response header and a field of every log line.",
  },
} satisfies SettingGroup;

export type KitSettings = SettingsOf<typeof kitSettings>;

/** Settings of one service instance. */
export function instanceSettings(service: Service, env: Environment) {
  const groups = { settings: kitSettings, serviceSettings: service.settings ?? {} };
  return parseSettings(groups, env);
}

function isNetwork(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  const bits = isIP(address) === 6 ? 128 : 32;
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  return isIP(address) !== 0 && isPrefix && rest.length === 0;
}
