import type { Queryable } from "#platform/postgres/database.ts";
import type { ServiceDatabase } from "#platform/postgres/service-database.ts";

import type { Application } from "../domain/application.ts";
import type { SettingsStore } from "../store/port.ts";
import { factsText, readApplication, readFacts, readRevision } from "./documents.ts";

type Rows = Awaited<ReturnType<Queryable["query"]>>;
const applicationsOf = (rows: Rows): Application[] =>
  rows.map((row) => readApplication(row["application"]));
const revisionsOf = (rows: Rows) => rows.map((row) => readRevision(row["document"]));

async function newest(db: Queryable, name: string): Promise<Application | undefined> {
  const sql = "SELECT application FROM applications WHERE name = $1";
  return applicationsOf(await db.query(sql, [name]))[0];
}

/** The store in the service's own PostgreSQL: one transaction holds the change, its revision and its response. */
export function postgresStore(database: ServiceDatabase): SettingsStore {
  return {
    async load(tx, name) {
      const sql = "SELECT application FROM applications WHERE name = $1 FOR UPDATE";
      return applicationsOf(await tx.query(sql, [name]))[0];
    },
    async peek(name, from) {
      const seen = await newest(await database.reader(from.after), name);
      return seen === undefined || seen.version < from.version ? newest(database, name) : seen;
    },
    async commit(tx, { application, revision, secrets, request }) {
      const { name, version } = application;
      const values = [name, version, JSON.stringify(application), secrets];
      const written = await tx.query(
        version === 1
          ? `INSERT INTO applications (name, version, application, secrets) VALUES ($1, $2, $3, $4)
             ON CONFLICT (name) DO NOTHING RETURNING name`
          : `UPDATE applications SET version = $2, application = $3, secrets = $4
             WHERE name = $1 AND version = $2 - 1 RETURNING name`,
        values,
      );
      if (written.length === 0) return false;
      await tx.query(
        `INSERT INTO revisions (application, revision, document, facts, request)
         VALUES ($1, $2, $3, $4, $5)`,
        [name, version, JSON.stringify(revision), factsText(revision), request ?? null],
      );
      return true;
    },
    async done(tx, name, request) {
      const sql = "SELECT document FROM revisions WHERE application = $1 AND request = $2";
      return revisionsOf(await tx.query(sql, [name, request]))[0];
    },
    list: async ({ after, limit }) =>
      applicationsOf(
        await database.query(
          "SELECT application FROM applications WHERE name > $1 ORDER BY name LIMIT $2",
          [after, limit],
        ),
      ),
    ...postgresHistory(database),
    async referringTo(tx, secret) {
      const sql =
        "SELECT name FROM applications WHERE secrets @> ARRAY[$1::text] ORDER BY name LIMIT 10";
      return (await tx.query(sql, [secret])).map((row) => String(row["name"]));
    },
    check: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

type History = Pick<SettingsStore, "history" | "since" | "revision">;

function postgresHistory(database: ServiceDatabase): History {
  return {
    async history(name, { before, limit }) {
      const rows = await database.query(
        `SELECT COALESCE(facts, document) AS facts FROM revisions
         WHERE application = $1 AND revision < $2 ORDER BY revision DESC LIMIT $3`,
        [name, before, limit],
      );
      return rows.map((row) => readFacts(row["facts"]));
    },
    since: async (tx, name, { after, limit }) =>
      revisionsOf(
        await tx.query(
          `SELECT document FROM revisions WHERE application = $1 AND revision > $2
           ORDER BY revision LIMIT $3`,
          [name, after, limit],
        ),
      ),
    async revision(name, revision) {
      const sql = "SELECT document FROM revisions WHERE application = $1 AND revision = $2";
      return revisionsOf(await database.query(sql, [name, revision]))[0];
    },
  };
}
