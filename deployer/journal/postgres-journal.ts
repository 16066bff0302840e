import { z } from "zod";

import type { Database, Queryable } from "#platform/postgres/database.ts";
import { migrate } from "#platform/postgres/migrate.ts";

import { Deploy, isActive } from "../machine/deploy.ts";
import { Freeze } from "../machine/freezes.ts";
import { Train } from "../machine/train.ts";
import { Workload } from "../machine/workload.ts";
import { tryAdvisoryLock } from "./advisory-lock.ts";
import { chainAudit } from "./audit-chain.ts";
import { AuditRecord, EffectRecord, Intent as IntentSchema } from "./journal-lines.ts";
import {
  DEPLOYS_WITH_EFFECTS_MAX,
  replacedError,
  REPAIRS_MAX,
  requestedTwice,
  staleVersion,
  twoActive,
} from "./journal-state.ts";
import { deployerMigrations } from "./migrations.ts";
import {
  type AuditEntry,
  type Change,
  type Intent,
  type Journal,
  NO_CHANGE,
  type Records,
} from "./port.ts";

const LOCK_KEY = 7_184_601;
const UNIQUE_VIOLATION = "23505";

/**
 * The journal of several hosts, in tables of the control plane's database. The advisory lock allows one writer, and
 * each commit compares the fence, so that a writer whose connection was lost unnoticed writes nothing.
 * @param databaseUrl must not lead through a pool of connections: the lock belongs to its session
 */
export async function openPostgresJournal(
  database: Database,
  databaseUrl: string,
): Promise<Journal | undefined> {
  const lock = await tryAdvisoryLock(databaseUrl, LOCK_KEY);
  if (lock === undefined) return undefined;
  try {
    await migrate(database, [deployerMigrations]);
    const [row] = await database.query(
      "UPDATE deploy_writer SET fence = fence + 1 RETURNING fence",
    );
    const fence = Number(row?.["fence"]);
    const released = new AbortController();
    const lost = AbortSignal.any([lock.lost, released.signal]);
    return {
      fence,
      lost,
      load: () => database.transaction(load),
      async commit(change) {
        if (lost.aborted) throw replacedError();
        await database.transaction((tx) => write(tx, { fence, change })).catch(explain);
      },
      ...reads(database),
      async [Symbol.asyncDispose]() {
        released.abort();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function explain(error: unknown): never {
  const isViolation = error instanceof Error && "code" in error && error.code === UNIQUE_VIOLATION;
  const constraint = isViolation && "constraint" in error ? error.constraint : undefined;
  if (constraint === "deploys_one_active") throw twoActive("this workload");
  if (constraint === "deploys_request_key_key") throw requestedTwice();
  throw error;
}

async function write(
  tx: Queryable,
  { fence, change }: { fence: number; change: Change },
): Promise<void> {
  // One commit after the other, as each entry of the audit log has the hash of the one before it. A writer that takes
  // over waits until this transaction ends, and then sees all of it.
  const [writer] = await tx.query("SELECT fence FROM deploy_writer FOR UPDATE");
  if (Number(writer?.["fence"]) !== fence) throw replacedError();
  const { workloads, deploys, trains, freezes, thawed, ...rest } = { ...NO_CHANGE, ...change };
  for (const it of workloads) await put(tx, "deploy_workloads", { ...it, id: it.name });
  for (const it of trains) await put(tx, "deploy_trains", it);
  for (const it of freezes) await put(tx, "deploy_freezes", it);
  for (const id of thawed) await tx.query("DELETE FROM deploy_freezes WHERE id = $1", [id]);
  // Those that end come first, so that another may become active in the same change.
  for (const it of deploys.toSorted((a, b) => Number(isActive(a)) - Number(isActive(b)))) {
    await putDeploy(tx, it);
  }
  for (const it of rest.intents) await putIntent(tx, it);
  if (rest.intents.length > 0) await forgetOldEffects(tx, rest.intents);
  for (const { id, ...result } of rest.results) {
    const values = [id, JSON.stringify(result)];
    await tx.query("UPDATE deploy_effects SET result = $2 WHERE id = $1", values);
  }
  await writeAudit(tx, rest.audit);
}

async function putIntent(tx: Queryable, intent: Intent): Promise<void> {
  await tx.query("INSERT INTO deploy_effects (id, deploy, intent) VALUES ($1, $2, $3)", [
    intent.id,
    intent.deploy ?? intent.workload,
    JSON.stringify(intent),
  ]);
}

/** Of a deploy that is not done nothing is forgotten. */
async function forgetOldEffects(tx: Queryable, intents: readonly Intent[]): Promise<void> {
  await tx.query(
    `DELETE FROM deploy_effects WHERE deploy IN
       (SELECT id FROM deploys WHERE is_done ORDER BY place DESC OFFSET $1 LIMIT 10)`,
    [DEPLOYS_WITH_EFFECTS_MAX],
  );
  const repaired = new Set(intents.filter((it) => it.deploy === null).map((it) => it.workload));
  for (const workload of repaired) {
    await tx.query(
      `DELETE FROM deploy_effects WHERE deploy = $1 AND seq <=
         (SELECT seq FROM deploy_effects WHERE deploy = $1 ORDER BY seq DESC OFFSET $2 LIMIT 1)`,
      [workload, REPAIRS_MAX],
    );
  }
}

type Versioned = { id: string; version: number };
type RecordTable = "deploy_workloads" | "deploy_trains" | "deploy_freezes";

async function put(tx: Queryable, table: RecordTable, record: Versioned): Promise<void> {
  const { id, version } = record;
  const sql =
    version === 1
      ? `INSERT INTO ${table} (id, version, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id`
      : `UPDATE ${table} SET version = $2, body = $3 WHERE id = $1 AND version = $2 - 1 RETURNING id`;
  const rows = await tx.query(sql, [id, version, JSON.stringify(record)]);
  if (rows.length !== 1) throw staleVersion();
}

async function putDeploy(tx: Queryable, deploy: Deploy): Promise<void> {
  const { id, version, state, times } = deploy;
  const changing = [
    id,
    version,
    state,
    isActive(deploy),
    times.doneMs !== null,
    JSON.stringify(deploy),
  ];
  const rows =
    version === 1
      ? await tx.query(
          `INSERT INTO deploys (id, version, state, is_active, is_done, body, workload, place, train, request_key)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING RETURNING id`,
          [...changing, deploy.workload, deploy.place, deploy.train, deploy.requestKey],
        )
      : await tx.query(
          `UPDATE deploys SET version = $2, state = $3, is_active = $4, is_done = $5, body = $6
           WHERE id = $1 AND version = $2 - 1 RETURNING id`,
          changing,
        );
  if (rows.length !== 1) throw staleVersion();
}

async function writeAudit(tx: Queryable, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const [row] = await tx.query("SELECT body FROM deploy_audit ORDER BY seq DESC LIMIT 1");
  let last = row === undefined ? undefined : AuditRecord.parse(row["body"]);
  for (const entry of entries) {
    last = chainAudit(last, entry);
    await tx.query("INSERT INTO deploy_audit (seq, body) VALUES ($1, $2)", [
      last.seq,
      JSON.stringify(last),
    ]);
  }
}

async function load(tx: Queryable): Promise<Records> {
  const bodies = async <Body>(schema: z.ZodType<Body>, sql: string): Promise<Body[]> =>
    (await tx.query(sql)).map(({ body }) => schema.parse(body));
  return {
    workloads: await bodies(Workload, "SELECT body FROM deploy_workloads ORDER BY id"),
    // Also those of trains of which others wait.
    deploys: await bodies(
      Deploy,
      `SELECT body FROM deploys WHERE NOT is_done
         OR train IN (SELECT train FROM deploys WHERE NOT is_done AND train IS NOT NULL) ORDER BY place`,
    ),
    trains: await bodies(
      Train,
      "SELECT body FROM deploy_trains WHERE id IN (SELECT train FROM deploys WHERE NOT is_done)",
    ),
    freezes: await bodies(Freeze, "SELECT body FROM deploy_freezes ORDER BY id"),
  };
}

const EffectRow = z.object({ intent: IntentSchema, result: EffectRecord.shape.result.nullable() });

function reads(
  database: Database,
): Pick<Journal, "deploy" | "requested" | "history" | "effects" | "audit"> {
  const deploys = async (sql: string, values: readonly unknown[]): Promise<Deploy[]> =>
    (await database.query(sql, values)).map(({ body }) => Deploy.parse(body));
  return {
    deploy: async (id) => (await deploys("SELECT body FROM deploys WHERE id = $1", [id]))[0],
    requested: async (key) =>
      (await deploys("SELECT body FROM deploys WHERE request_key = $1", [key]))[0],
    history: ({ workload = null, before, limit }) =>
      deploys(
        `SELECT body FROM deploys WHERE place < $1 AND ($2::text IS NULL OR workload = $2)
         ORDER BY place DESC LIMIT $3`,
        [before, workload, limit],
      ),
    async effects(deploy) {
      const rows = await database.query(
        "SELECT intent, result FROM deploy_effects WHERE deploy = $1 ORDER BY seq",
        [deploy],
      );
      return rows.map((row) => {
        const { intent, result } = EffectRow.parse(row);
        return { ...intent, result: result ?? undefined };
      });
    },
    async audit({ after, limit }) {
      const sql = "SELECT body FROM deploy_audit WHERE seq > $1 ORDER BY seq LIMIT $2";
      const rows = await database.query(sql, [after, limit]);
      return rows.map(({ body }) => AuditRecord.parse(body));
    },
  };
}
