import type { Db } from "mongodb";

import { connectionError } from "./connection-error.ts";
import { hitRatio, Increases } from "./increases.ts";
import type { Sample, Sampler, ServerAddress, StatisticsEvent } from "./sampler.ts";

const TIMEOUT_MS = 10_000;
const PREFIX = "mongodb.status.";
/** Codes of errors: no replica set; missing rights. */
const NO_REPLICATION = new Set([76, 59]);
const UNAUTHORIZED = 13;
const STATE_PRIMARY = 1;
const STATE_SECONDARY = 2;
/** Counters of serverStatus by the names of their increases. */
const COUNTERS: ReadonlyMap<string, readonly string[]> = new Map([
  ["operations.insert", ["opcounters", "insert"]],
  ["operations.query", ["opcounters", "query"]],
  ["operations.update", ["opcounters", "update"]],
  ["operations.delete", ["opcounters", "delete"]],
  ["operations.getmore", ["opcounters", "getmore"]],
  ["operations.command", ["opcounters", "command"]],
  ["asserts.regular", ["asserts", "regular"]],
  ["asserts.user", ["asserts", "user"]],
  ["write_conflicts", ["metrics", "operation", "writeConflicts"]],
  ["network.bytes.in", ["network", "bytesIn"]],
  ["network.bytes.out", ["network", "bytesOut"]],
  ["cache.requests", ["wiredTiger", "cache", "pages requested from the cache"]],
  ["cache.reads", ["wiredTiger", "cache", "pages read into cache"]],
]);

type Values = Readonly<Record<string, unknown>>;

/** Statistics of MongoDB 4.4 and newer. The user needs the role clusterMonitor. */
export class MongodbSampler implements Sampler {
  readonly dataset = "mongodb.status";
  readonly product = "MongoDB";
  readonly #server: () => Promise<ServerAddress>;
  readonly #counters = new Increases();

  /** The address is read for each sample, as its password may change. */
  constructor(server: () => Promise<ServerAddress>) {
    this.#server = server;
  }

  async sample(): Promise<Sample> {
    const server = await this.#server();
    const { MongoClient } = await import("mongodb");
    const client = new MongoClient(server.url, {
      appName: "quarterdeck statistics",
      maxPoolSize: 1,
      directConnection: true,
      serverSelectionTimeoutMS: TIMEOUT_MS,
      connectTimeoutMS: TIMEOUT_MS,
      socketTimeoutMS: TIMEOUT_MS,
    });
    try {
      await client.connect();
      return await this.#read(client.db("admin"));
    } catch (error) {
      throw connectionError(error, server);
    } finally {
      await client.close().catch(() => undefined);
    }
  }

  async #read(admin: Db): Promise<Sample> {
    const status: Values = await admin.command({ serverStatus: 1 });
    const replication = await replicationOf(admin);
    const now = [...COUNTERS].flatMap(([name, path]) => {
      const value = numberAt(status, path);
      return value === undefined ? [] : [[name, value] as const];
    });
    const increases = this.#counters.take(new Map(now));
    return {
      events: [statusEvent(status, increases, replication.lagMs)],
      advice: [...replication.advice, ...(await rolesAdvice(admin))],
    };
  }
}

function statusEvent(
  status: Values,
  increases: ReadonlyMap<string, number> | undefined,
  lagMs: number | undefined,
): StatisticsEvent {
  const reads = increases?.get("cache.reads");
  const requests = increases?.get("cache.requests");
  const hits =
    reads === undefined || requests === undefined ? undefined : Math.max(0, requests - reads);
  const named = [...(increases ?? [])].map(([name, it]) => [`${PREFIX}${name}`, it] as const);
  return {
    "service.type": "mongodb",
    "service.version": status["version"],
    "db.connections.used": numberAt(status, ["connections", "current"]),
    "db.locks.waiting": numberAt(status, ["globalLock", "currentQueue", "total"]),
    "db.replication.lag": lagMs,
    "db.cache.hit_ratio": hitRatio(hits, reads),
    [`${PREFIX}connections.available`]: numberAt(status, ["connections", "available"]),
    [`${PREFIX}connections.active`]: numberAt(status, ["connections", "active"]),
    ...Object.fromEntries(named),
  };
}

/** How far this server, or the slowest replica of this primary, is behind. */
async function replicationOf(admin: Db): Promise<{ lagMs: number | undefined; advice: string[] }> {
  let members: readonly Values[];
  try {
    const status: Values = await admin.command({ replSetGetStatus: 1 });
    members = Array.isArray(status["members"]) ? status["members"] : [];
  } catch (error) {
    const code = codeOf(error);
    if (code !== undefined && NO_REPLICATION.has(code)) return { lagMs: undefined, advice: [] };
    if (code === UNAUTHORIZED) return { lagMs: undefined, advice: [LACKS_ROLE] };
    throw error;
  }
  const primary = members.find((it) => it["state"] === STATE_PRIMARY);
  const own = members.find((it) => it["self"] === true);
  const replicas = members.filter((it) => it["state"] === STATE_SECONDARY);
  const behind = own === primary ? replicas : replicas.filter((it) => it === own);
  const lags = behind.map((it) => timeOf(primary) - timeOf(it)).filter((it) => !Number.isNaN(it));
  return { lagMs: lags.length === 0 ? undefined : Math.max(0, ...lags), advice: [] };
}

const LACKS_ROLE =
  "the user may not see the state of replication: grant it the role clusterMonitor";

async function rolesAdvice(admin: Db): Promise<string[]> {
  const { authInfo }: Values = await admin.command({ connectionStatus: 1 }).catch(() => ({}));
  const roles = isObject(authInfo) ? authInfo["authenticatedUserRoles"] : undefined;
  const names = Array.isArray(roles)
    ? roles.map((it: unknown) => (isObject(it) ? it["role"] : ""))
    : [];
  return names.includes("root")
    ? ["the user has the role root: use one that only has clusterMonitor"]
    : [];
}

const timeOf = (member: Values | undefined): number => {
  const date = member?.["optimeDate"];
  return date instanceof Date ? date.getTime() : Number.NaN;
};

function codeOf(error: unknown): number | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "number"
    ? error.code
    : undefined;
}

function numberAt(values: Values, path: readonly string[]): number | undefined {
  let value: unknown = values;
  for (const name of path) value = isObject(value) ? value[name] : undefined;
  const number = Number(value ?? "x");
  return Number.isNaN(number) ? undefined : number;
}

function isObject(value: unknown): value is Values {
  return typeof value === "object" && value !== null;
}
