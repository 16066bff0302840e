import { createHash, randomUUID } from "node:crypto";

import { Client } from "pg";
import { inject } from "vitest";

import { silentLog } from "#platform/log.ts";
import { openServiceDatabase } from "#platform/postgres/service-database.ts";

import { migrateService } from "./instance.ts";
import type { Service } from "./service.ts";

const TEMPLATE_LOCK = 1;
const templates = new Map<string, Promise<string>>();

/** A new, empty database in the server of the test run. */
export const newDatabase = (): Promise<string> => create("template1");

/** A new database with the tables of a service. Copying a template is much faster than applying migrations. */
export async function newServiceDatabase(service: Service): Promise<string> {
  const name = templateName(service);
  const template = templates.get(name) ?? prepareTemplate(service, name);
  templates.set(name, template);
  return create(await template);
}

export const dropDatabase = (url: string): Promise<void> =>
  onServer((client) =>
    client.query(`DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`),
  );

async function create(template: string): Promise<string> {
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  // Copying files is faster than the default, which writes all blocks through the write-ahead log.
  await onServer((client) =>
    client.query(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY FILE_COPY`),
  );
  return urlOf(name);
}

function templateName({ name, migrations }: Service): string {
  const hash = createHash("sha256").update(JSON.stringify(migrations)).digest("hex");
  return `template_${name}_${hash.slice(0, 16)}`;
}

/** Creates the template unless another test file has; it is renamed when complete. */
async function prepareTemplate(service: Service, name: string): Promise<string> {
  await onServer(async (client) => {
    // Held until the connection ends: test files run in parallel.
    await client.query("SELECT pg_advisory_lock($1)", [TEMPLATE_LOCK]);
    const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [name]);
    if (rowCount !== 0) return;
    const url = await create("template1");
    const database = openServiceDatabase({
      url,
      replicaUrls: [],
      schema: service.name,
      log: silentLog(),
    });
    await migrateService(service, database);
    await database.close();
    await client.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} RENAME TO ${name}`);
  });
  return name;
}

function urlOf(database: string): string {
  const url = new URL(inject("postgresUrl"));
  url.pathname = `/${database}`;
  return url.href;
}

async function onServer(work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: inject("postgresUrl") });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
