import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";

import { createAccess } from "#access/access.ts";
import { accessMigrations } from "#access/migrations.ts";
import type { Grant } from "#access/policy.ts";
import type { MemberRule } from "#access/route.ts";
import { dropDatabase, newDatabase } from "#api/kit/test-database.ts";
import { sendTo } from "#api/kit/testing.ts";
import { Predictions } from "#forecaster/predictions.ts";
import { openForecastStore } from "#forecaster/store/open-forecast-store.ts";
import { NO_STATUS } from "#pipeline/live-link/messages.ts";
import { LiveWindow } from "#pipeline/live/live-window.ts";
import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import { systemClock } from "#platform/clock.ts";
import type { Route } from "#platform/http/route.ts";
import { newId } from "#platform/ids.ts";
import { silentLog } from "#platform/log.ts";
import { type Database, poolDatabase } from "#platform/postgres/database.ts";
import { migrate } from "#platform/postgres/migrate.ts";
import { hashToken, newToken } from "#platform/secrets.ts";
import { createControlPlaneApi } from "#server/control-plane-api.ts";
import { testDeploys } from "#server/deploys/testing-deploys.ts";
import { fileWith } from "#server/sources/testing-sources.ts";

import { numberedLine } from "../harness/access-log.ts";
import { runProgram, temporaryFolder } from "../harness/program.ts";
import type { RunningApi } from "./fuzz.ts";

const EVENTS = 300;
const HOUR_MS = 3_600_000;

type NewGrant = Pick<Grant, "capability" | "target"> & Partial<Pick<Grant, "expiresMs">>;

export type RunningControlPlane = RunningApi & {
  routes: readonly Route<MemberRule>[];
  dataFolder: string;
  /** Adds a member with grants, and returns the token of a session. */
  member(grants: readonly NewGrant[], session?: { startedMs?: number }): Promise<string>;
};

/** The control plane's API on its own database and store, over real HTTP; `as` is the token of a session. */
export async function startControlPlaneApi(): Promise<RunningControlPlane> {
  await using started = new AsyncDisposableStack();
  const clock = { now: systemClock.nowMs() };
  const databaseUrl = await newDatabase();
  started.defer(() => dropDatabase(databaseUrl));
  const database = poolDatabase(databaseUrl, { onError: () => undefined });
  started.defer(() => database.close());
  await migrate(database, [accessMigrations]);
  const folder = started.use(await temporaryFolder());
  const log = `${folder.path}/access.log`;
  const lines = Array.from({ length: EVENTS }, (_, n) => numberedLine(n, clock.now - n * 1_000));
  await writeFile(log, lines.toReversed().join(""));
  await runProgram(["ingest", log, "--data", folder.path]);
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  started.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  const api = await openApi(folder.path, { database, clock, url, started });
  server.on("request", api.listener);
  const owner = await addMember(database, [], "owner");
  const resources = started.move();
  return {
    url,
    routes: api.routes,
    dataFolder: folder.path,
    database,
    clock,
    root: owner.token,
    async member(grants, session = {}) {
      const added = await addMember(database, grants, "member");
      await startSession(database, added, session.startedMs ?? clock.now);
      return added.token;
    },
    async send(method, path, { as, headers = {}, ...more } = {}) {
      // The previous request may have signed out.
      if (as === owner.token) await startSession(database, owner, clock.now);
      const cookie = as === undefined ? {} : { cookie: `quarterdeck_session=${as}` };
      return sendTo(url, method, path, { ...more, headers: { ...headers, ...cookie } });
    },
    stop: () => resources.disposeAsync(),
  };
}

type OpenDeps = {
  url: string;
  database: Database;
  clock: { now: number };
  started: AsyncDisposableStack;
};

async function openApi(folder: string, { url, database, clock: time, started }: OpenDeps) {
  const log = silentLog();
  const clock = { nowMs: () => time.now };
  const limits = { sessionIdleMs: 24 * HOUR_MS, sessionMaxMs: 24 * HOUR_MS };
  const store = started.use(await openStore({ url: storeUrlIn(folder), clock }));
  const forecasts = started.use(openForecastStore("memory:"));
  const runner = {
    forecast: () => Promise.resolve({ status: "learning", reason: "this is a test" } as const),
  };
  const workspace = {
    kind: "logs",
    store,
    live: new LiveWindow(clock),
    predictions: new Predictions({ events: store, forecasts, runner, clock, log }),
    status: () => ({ ...NO_STATUS, lines: EVENTS, indexers: 1, indexerFailure: null }),
  } as const;
  const deploys = await testDeploys(folder);
  started.defer(() => deploys.stop());
  return createControlPlaneApi({
    settings: {
      host: "127.0.0.1",
      publicUrl: undefined,
      sessionMaxMs: limits.sessionMaxMs,
      dataFolder: folder,
      timezone: "UTC",
    },
    release: "0.1.0",
    access: createAccess({ database, clock, limits, installation: "test" }),
    database,
    clock,
    log,
    url,
    deploys,
    workspace: () => workspace,
    sourcesFile: fileWith(""),
    listeners: () => ({ listening: [], statuses: [] }),
    turnDemoOff: () => Promise.resolve(),
    viewers: () => 0,
    framesSent: () => 0,
    problems: () => [],
    writeLine: () => undefined,
    stopping: new AbortController().signal,
  });
}

type Added = { id: string; token: string };

async function addMember(
  database: Database,
  grants: readonly NewGrant[],
  role: "owner" | "member",
): Promise<Added> {
  const id = newId("mem");
  await database.query(
    "INSERT INTO members (id, email, name, role, created_at) VALUES ($1, $2, 'Ada', $3, now())",
    [id, `${id}@example.test`, role],
  );
  for (const { capability, target, expiresMs = null } of grants) {
    await database.query(
      `INSERT INTO grants (id, member_id, capability, target, expires_at, created_at)
       VALUES ($1, $2, $3, $4, $5, now())`,
      [newId("grt"), id, capability, target, expiresMs === null ? null : new Date(expiresMs)],
    );
  }
  return { id, token: newToken() };
}

async function startSession(database: Database, { id, token }: Added, atMs: number): Promise<void> {
  await database.query(
    `INSERT INTO sessions (token_hash, member_id, address, created_at, seen_at)
     VALUES ($1, $2, '127.0.0.1', $3, $3)
     ON CONFLICT (token_hash) DO UPDATE SET created_at = $3, seen_at = $3`,
    [hashToken(token), id, new Date(atMs)],
  );
}
