import { z } from "zod";

import { AppError } from "#platform/errors.ts";

import { sourceKind } from "../configured/source-kind.ts";
import { MongodbSampler } from "./databases/mongodb-sampler.ts";
import { MysqlSampler } from "./databases/mysql-sampler.ts";
import { PostgresSampler } from "./databases/postgres-sampler.ts";
import type { Sampler, ServerAddress } from "./databases/sampler.ts";
import { StatisticsSource } from "./databases/statistics-source.ts";
import { refuseMetadata } from "./reachable.ts";
import { secretFile } from "./secret-file.ts";
import { readSecret, referenceIn, secretVariable } from "./secret-variable.ts";

const INTERVAL_SECONDS = { min: 10, max: 3_600 };
const URL_CHARACTERS_MAX = 2_000;

type Product = {
  port: number;
  open(server: () => Promise<ServerAddress>): Sampler;
};

const POSTGRESQL: Product = { port: 5432, open: (server) => new PostgresSampler(server) };
const MYSQL: Product = { port: 3306, open: (server) => new MysqlSampler(server) };
const MONGODB: Product = { port: 27_017, open: (server) => new MongodbSampler(server) };
/** By the protocol of their URL. */
const PRODUCTS: ReadonlyMap<string, Product> = new Map([
  ["postgres:", POSTGRESQL],
  ["postgresql:", POSTGRESQL],
  ["mysql:", MYSQL],
  ["mariadb:", MYSQL],
  ["mongodb:", MONGODB],
]);

const schema = z
  .strictObject({
    url: z
      .string()
      .max(URL_CHARACTERS_MAX)
      .refine((url) => URL.canParse(url) && PRODUCTS.has(new URL(url).protocol), {
        error:
          "give the URL of a database (postgres, mysql, mariadb or mongodb), for example postgres://quarterdeck@db.example:5432/postgres",
      })
      .refine((url) => !URL.canParse(url) || mayHavePassword(new URL(url)), {
        error:
          "leave the password out of the URL: name a file that has it (passwordFile), or refer to an environment variable, for example postgres://quarterdeck:${SHOP_DB_PASSWORD}@db.example:5432/postgres",
      })
      .meta({
        title: "URL",
        description:
          "Of PostgreSQL (its role needs pg_monitor, and for statements the extension pg_stat_statements in this database), MySQL or MariaDB (REPLICATION CLIENT or REPLICA MONITOR) or MongoDB (clusterMonitor). More rights are not needed.",
        examples: [
          "postgres://quarterdeck@db.example:5432/postgres",
          "mysql://quarterdeck@db.example:3306",
          "mongodb://quarterdeck@db.example:27017/?authSource=admin",
        ],
      }),
    passwordFile: secretFile("Password"),
    password: secretVariable("Password", "passwordFile"),
    interval: z.number().min(INTERVAL_SECONDS.min).max(INTERVAL_SECONDS.max).default(60).meta({
      title: "Seconds between two samples",
    }),
  })
  .refine((it) => placesOfPassword(it) <= 1, {
    error: "give the password once: in passwordFile, in password or in the URL",
    path: ["password"],
  });

const mayHavePassword = (url: URL): boolean =>
  url.password === "" || referenceIn(url) !== undefined;

type Secret = { passwordFile?: string | undefined; password?: string | undefined };

function placesOfPassword({ url, passwordFile, password }: Secret & { url: string }): number {
  const inUrl = URL.canParse(url) ? referenceIn(new URL(url)) : undefined;
  return [passwordFile, password, inUrl].filter((place) => place !== undefined).length;
}

/** The statistics of a database server, as gauges and counts since the sample before. */
export const databaseKind = sourceKind({
  kind: "database",
  title: "Database",
  summary:
    "Statistics of a database server every minute: connections, locks, replication, cache, statements",
  schema,
  open({ url, interval, ...secret }, { id, clock }) {
    const parsed = new URL(url);
    const product = PRODUCTS.get(parsed.protocol);
    if (!product) throw new AppError("bad_request", "the database is of an unknown kind");
    const host = parsed.hostname.replace(/^\[(.*)\]$/, "$1");
    const server = { host, port: Number(parsed.port === "" ? product.port : parsed.port) };
    return new StatisticsSource(
      { id, server, everyMs: interval * 1_000, clock },
      product.open(async () => {
        await refuseMetadata(host);
        return { ...server, url: await withPassword(parsed, secret) };
      }),
    );
  },
});

async function withPassword(url: URL, { passwordFile: file, password }: Secret): Promise<string> {
  const field = password === undefined ? "url" : "password";
  const secret = await readSecret(field, { file, variable: password ?? referenceIn(url) });
  if (secret === undefined) return url.href;
  const complete = new URL(url);
  complete.password = encodeURIComponent(secret);
  return complete.href;
}
