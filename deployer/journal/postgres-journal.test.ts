import { Client } from "pg";
import { afterAll, describe } from "vitest";

import { dropDatabase, newDatabase } from "#api/kit/test-database.ts";
import { type Database, poolDatabase } from "#platform/postgres/database.ts";
import { migrate } from "#platform/postgres/migrate.ts";

import { type TestJournal, testJournal } from "./contract.ts";
import { deployerMigrations } from "./migrations.ts";
import { openPostgresJournal } from "./postgres-journal.ts";

const databases: { url: string; database: Database }[] = [];

afterAll(async () => {
  for (const { url, database } of databases) {
    await database.close();
    await dropDatabase(url);
  }
});

async function create(): Promise<TestJournal> {
  const url = await newDatabase();
  const database = poolDatabase(url, { onError: () => undefined });
  databases.push({ url, database });
  await migrate(database, [deployerMigrations]);
  return {
    open: () => openPostgresJournal(database, url),
    /** Ends the session that has the lock, as a server does that restarts. */
    async usurp() {
      const client = new Client({ connectionString: url });
      await client.connect();
      await client.query(
        `SELECT pg_terminate_backend(pid, 10000) FROM pg_locks JOIN pg_database ON pg_database.oid = database
         WHERE locktype = 'advisory' AND datname = current_database()`,
      );
      await client.end();
    },
  };
}

describe("the journal in PostgreSQL", () => {
  testJournal(create);
});
