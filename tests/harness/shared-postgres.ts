import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { Client } from "pg";
import type { TestProject } from "vitest/node";

import { startEmbedded } from "../../platform/postgres/embedded.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The PostgreSQL server of the test run; each test creates its own database in it. */
    postgresUrl: string;
  }
}

/** Speed: the server is removed after the run, so nothing has to survive a power failure. */
const WITHOUT_DURABILITY = ["fsync", "synchronous_commit", "full_page_writes"];

/** Vitest's global setup: one embedded PostgreSQL for the whole run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck-postgres-"));
  const server = await startEmbedded(folder);
  await turnOff(server.url, WITHOUT_DURABILITY);
  project.provide("postgresUrl", server.url);
  return async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

async function turnOff(url: string, settings: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  for (const name of settings) await client.query(`ALTER SYSTEM SET ${name} = off`);
  await client.query("SELECT pg_reload_conf()");
  await client.end();
}
