import { isIP } from "node:net";

import { z } from "zod";

const port = (fallback: number, name: string) =>
  z.coerce
    .number({ error: "give a port number from 0 to 65535" })
    .int({ error: "give a whole port number" })
    .min(0, { error: "give a port number from 0 to 65535" })
    .max(65_535, { error: "give a port number from 0 to 65535" })
    .default(fallback)
    .describe(`Port of the ${name} API under npm start; 0 takes any free one.`);

const urlOf = (fallback: string, what: string) =>
  z
    .url({ protocol: /^https?$/, error: "give an address, http://… or https://…" })
    .default(fallback)
    .describe(what);

function isNetwork(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  const bits = isIP(address) === 6 ? 128 : 32;
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  return isIP(address) !== 0 && isPrefix && rest.length === 0;
}

/** Settings of the five domain APIs: part of the one table of platform/config.ts. */
export const apiSettings = {
  DATABASE_REPLICA_URLS: z
    .string()
    .transform((text) =>
      text
        .split(",")
        .map((it) => it.trim())
        .filter((it) => it !== ""),
    )
    .refine((urls) => urls.every((it) => /^postgres(?:ql)?:\/\//.test(it) && URL.canParse(it)), {
      error: "give addresses like postgres://user:password@host:5432/name, divided by commas",
    })
    .prefault("")
    .describe(
      "Streaming replicas of DATABASE_URL for reads that may be a moment old, divided by commas.",
    )
    .meta({ secret: true }),
  API_WORKERS: z.coerce
    .number({ error: "give a number of processes" })
    .int({ error: "give a whole number" })
    .min(0, { error: "give 0 (as many as CPUs) or more" })
    .max(64, { error: "give at most 64" })
    .default(0)
    .describe("Worker processes of each domain API; 0: as many as the CPUs that it may use."),
  API_REQUESTS_PER_SECOND: z.coerce
    .number({ error: "give a number of requests" })
    .int({ error: "give a whole number" })
    .min(1, { error: "give at least 1" })
    .max(1_000_000, { error: "give at most 1000000" })
    .default(200)
    .describe(
      "How many requests a second each caller of a domain API may send to a worker process; twice as many at once.",
    ),
  API_TRUSTED_PROXIES: z
    .string()
    .transform((text) => (text.trim() === "none" ? [] : text.split(/[,;]/).map((it) => it.trim())))
    .refine((proxies) => proxies.every(isNetwork), {
      error: "give IP addresses and networks such as 10.0.0.0/8, divided by commas, or none",
    })
    .prefault("127.0.0.0/8, ::1")
    .describe(
      "Proxies in front of the domain APIs, divided by commas, or none: only from them X-Forwarded-For is believed, so each must set or append to it.",
    ),
  API_RELEASE: z
    .string()
    .regex(/^[\w.+-]{1,64}$/, { error: "give a version of at most 64 letters, digits and .+-_" })
    .default("0.1.0")
    .describe("Release of the domain APIs: a response header and a field of every log line."),
  API_ROOT_KEY: z
    .string()
    .min(32, { error: "give at least 32 characters" })
    .optional()
    .describe(
      "Key that may do everything in the domain APIs, and from which their other secrets follow. Without it, one is made in the data folder.",
    )
    .meta({ secret: true }),
  API_ACCOUNTS_PORT: port(4601, "Accounts"),
  API_BILLING_PORT: port(4602, "Billing"),
  API_MANAGEMENT_PORT: port(4603, "Management"),
  API_LOGGING_PORT: port(4604, "Logging"),
  API_REPORTING_PORT: port(4605, "Reporting"),
  API_ACCOUNTS_URL: urlOf(
    "http://127.0.0.1:4601",
    "Where Accounts is reached, by people and by the other APIs: the issuer of the access tokens.",
  ),
  API_BILLING_URL: urlOf("http://127.0.0.1:4602", "Where Reporting reads Billing's events."),
  SMTP_URL: z
    .url({ protocol: /^smtps?$/, error: "give smtp://user:password@host:587" })
    .optional()
    .describe("Mail server of Accounts. Without it, mails are files in the data folder.")
    .meta({ secret: true }),
  MAIL_FROM: z
    .email({ error: "give an e-mail address" })
    .default("accounts@localhost.localdomain")
    .describe("Sender of mails."),
  MONGODB_URL: z
    .string()
    // A replica set has several hosts in its address, which no URL parser takes.
    .regex(/^mongodb(?:\+srv)?:\/\/[^\s/?]+(?:\/[^\s]*)?$/, {
      error: "give mongodb://host:27017,host:27017/name?replicaSet=…",
    })
    .optional()
    .describe("Keeps Management's settings in MongoDB instead of PostgreSQL.")
    .meta({ secret: true }),
  WAREHOUSE_URL: z
    .url({
      protocol: /^redshift(?:-data)?$/,
      error:
        "give redshift://user:password@host:5439/database or redshift-data://WORKGROUP/DATABASE?region=…&secretArn=…",
    })
    .optional()
    .describe("Runs reports on Amazon Redshift instead of the embedded DuckDB.")
    .meta({ secret: true }),
  WAREHOUSE_S3: z
    .url({ protocol: /^s3$/, error: "give s3://bucket/prefix" })
    .optional()
    .describe("Where the Parquet files lie that Redshift copies from."),
  WAREHOUSE_IAM_ROLE: z
    .string()
    .regex(/^arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/, { error: "give the ARN of an IAM role" })
    .optional()
    .describe("Role by which Redshift reads WAREHOUSE_S3."),
};

type Settings = z.infer<z.ZodObject<typeof apiSettings>>;

/** What the five domain APIs are configured by. */
export type ApiConfig = {
  replicaUrls: readonly string[];
  /** 0: as many as CPUs. */
  workers: number;
  /** Of each caller, in each worker. */
  requestsPerSecond: number;
  /** IP addresses and networks (CIDR) whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[];
  release: string;
  rootKey: string | undefined;
  ports: Readonly<Record<"accounts" | "billing" | "management" | "logging" | "reporting", number>>;
  accountsUrl: string;
  billingUrl: string;
  smtpUrl: string | undefined;
  mailFrom: string;
  mongodbUrl: string | undefined;
  warehouse: { url: string | undefined; s3: string | undefined; iamRole: string | undefined };
};

export function toApiConfig(settings: Settings): ApiConfig {
  return {
    replicaUrls: settings.DATABASE_REPLICA_URLS,
    workers: settings.API_WORKERS,
    requestsPerSecond: settings.API_REQUESTS_PER_SECOND,
    trustedProxies: settings.API_TRUSTED_PROXIES,
    release: settings.API_RELEASE,
    rootKey: settings.API_ROOT_KEY,
    ports: {
      accounts: settings.API_ACCOUNTS_PORT,
      billing: settings.API_BILLING_PORT,
      management: settings.API_MANAGEMENT_PORT,
      logging: settings.API_LOGGING_PORT,
      reporting: settings.API_REPORTING_PORT,
    },
    accountsUrl: settings.API_ACCOUNTS_URL,
    billingUrl: settings.API_BILLING_URL,
    smtpUrl: settings.SMTP_URL,
    mailFrom: settings.MAIL_FROM,
    mongodbUrl: settings.MONGODB_URL,
    warehouse: {
      url: settings.WAREHOUSE_URL,
      s3: settings.WAREHOUSE_S3,
      iamRole: settings.WAREHOUSE_IAM_ROLE,
    },
  };
}
