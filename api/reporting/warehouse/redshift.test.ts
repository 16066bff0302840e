import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { RedshiftDataClient } from "@aws-sdk/client-redshift-data";
import { S3Client } from "@aws-sdk/client-s3";
import { Client } from "pg";
import { describe, expect, test } from "vitest";

import { dropDatabase, newDatabase } from "#api/kit/test-database.ts";

import type { FactBatch } from "../domain/facts.ts";
import { LakeDuck } from "../repositories/lake-duck.ts";
import { writeFacts } from "../repositories/lake-store.ts";
import { type RedshiftClient, redshiftWarehouse } from "../repositories/redshift-warehouse.ts";
import { type OpenWarehouse, testWarehouse } from "./contract.ts";
import type { LakeFile, SqlParts } from "./port.ts";
import { dataApiTarget, redshiftDataClient } from "./redshift-data.ts";
import { redshiftPgClient } from "./redshift-pg.ts";
import { s3Put } from "./s3-object.ts";
import { TEST_CREDENTIALS, fakeDataApi, fakeS3 } from "./testing-aws.ts";
import { goldenBatches } from "./testing-history.ts";
import { fakeRedshift } from "./testing-redshift.ts";

const ROLE = "arn:aws:iam::123456789012:role/copy";

/**
 * A Redshift stand-in based on PostgreSQL, with an S3 to copy from. Its transactions use snapshot isolation, the
 * default of Redshift.
 */
async function openStandIn() {
  const databaseUrl = await newDatabase();
  await setSnapshotIsolation(databaseUrl);
  const s3 = await fakeS3();
  const redshift = await fakeRedshift(databaseUrl, s3.objects);
  const url = new URL(databaseUrl);
  url.port = String(redshift.port);
  return {
    s3,
    redshift,
    url: url.href,
    async close() {
      await redshift.close();
      await s3.close();
      await dropDatabase(databaseUrl);
    },
  };
}

async function setSnapshotIsolation(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const name = client.escapeIdentifier(client.database ?? "");
  await client.query(
    `ALTER DATABASE ${name} SET default_transaction_isolation = 'repeatable read'`,
  );
  await client.end();
}

type StandIn = Awaited<ReturnType<typeof openStandIn>>;
type OpenRedshift = OpenWarehouse & {
  statements: string[];
  /** Breaks all connections and refuses new ones. */
  disconnect(): Promise<void>;
  write(batch: FactBatch): Promise<LakeFile>;
};

async function openOn(standIn: StandIn, client: RedshiftClient): Promise<OpenRedshift> {
  const folder = await mkdtemp(path.join(tmpdir(), "qd-redshift-"));
  const duck = await LakeDuck.open(folder);
  const aws = { region: "eu-central-1", credentials: TEST_CREDENTIALS, forcePathStyle: true };
  const put = s3Put(new S3Client({ ...aws, endpoint: standIn.s3.url }), "s3://lake/first light/");
  const warehouse = redshiftWarehouse({ client, put, iamRole: ROLE, folder });
  return {
    warehouse,
    statements: standIn.redshift.statements,
    disconnect: () => standIn.redshift.close(),
    write: (batch) => writeFacts(duck, batch),
    async put(batch, times = 1) {
      const file = await writeFacts(duck, batch);
      for (let i = 0; i < times; i += 1) await warehouse.load(batch.fact, [file]);
    },
    async [Symbol.asyncDispose]() {
      await warehouse.close();
      await duck.close();
      await rm(folder, { recursive: true, force: true });
      await standIn.close();
    },
  };
}

async function overPg() {
  const standIn = await openStandIn();
  const address = standIn.url.replace(/^postgres(?:ql)?:/, "redshift:");
  const client = redshiftPgClient(`${address}?sslmode=disable`, () => undefined);
  return openOn(standIn, client);
}

async function overDataApi() {
  const standIn = await openStandIn();
  const api = await fakeDataApi(standIn.url);
  const client = new RedshiftDataClient({
    region: "eu-central-1",
    endpoint: api.url,
    credentials: TEST_CREDENTIALS,
  });
  const target = dataApiTarget("redshift-data://reports/lake?secretArn=arn:aws:secretsmanager:x");
  const opened = await openOn(standIn, redshiftDataClient(client, target));
  return {
    ...opened,
    api,
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await api.close();
    },
  };
}

function testLoadsTogether(open: typeof overPg): void {
  test("a file that several processes load at the same time is counted once", async () => {
    await using it = await open();
    await it.warehouse.ready();
    const payments = goldenBatches().find(({ fact }) => fact === "payments");
    if (payments === undefined) throw new Error("the golden history has no payments");
    const file = await it.write(payments);
    await Promise.all(Array.from({ length: 3 }, () => it.warehouse.load("payments", [file])));
    const query = {
      facts: ["payments" as const],
      columns: [{ name: "n", type: "integer" as const }],
      sql: ({ table }: SqlParts) => `SELECT COUNT(*) AS n FROM ${table("payments")} p`,
    };
    const limits = { rowsMax: 10, waitMsMax: 10_000 };
    expect(await it.warehouse.run(query, limits)).toEqual([{ n: BigInt(payments.rows.length) }]);
  });
}

describe("Redshift over the PostgreSQL protocol", () => {
  testWarehouse(overPg);
  testLoadsTogether(overPg);

  test("broken connections and an unreachable server are reported as unavailable", async () => {
    await using it = await overPg();
    await it.warehouse.ready();
    const limits = { rowsMax: 10, waitMsMax: 60_000 };
    const slow = {
      facts: [],
      columns: [{ name: "n", type: "text" as const }],
      sql: () => "SELECT pg_sleep(60)",
    };
    const broken = expect(it.warehouse.run(slow, limits)).rejects.toMatchObject({
      code: "unavailable",
    });
    await expect.poll(() => it.statements.some((sql) => sql.startsWith(slow.sql()))).toBe(true);
    await it.disconnect();
    await broken;
    await expect(it.warehouse.run(slow, limits)).rejects.toMatchObject({ code: "unavailable" });
  });

  test("files are copied as Parquet with the role, and replace the rows with their keys under a lock", async () => {
    await using it = await overPg();
    const [batch] = goldenBatches();
    if (batch) await it.put(batch);
    const table = "reporting.subscription_changes";
    const load = it.statements.slice(it.statements.indexOf(`LOCK TABLE ${table}`));
    expect(load.slice(1, 5)).toEqual([
      `CREATE TEMP TABLE staged_subscription_changes (LIKE ${table})`,
      expect.stringMatching(
        /^COPY staged_subscription_changes FROM 's3:\/\/lake\/first light\/subscription_changes\/2026-01-05\/file_\w+\.parquet' IAM_ROLE 'arn:aws:iam::123456789012:role\/copy' FORMAT AS PARQUET$/,
      ),
      `DELETE FROM ${table} USING staged_subscription_changes WHERE ${table}.event_key = staged_subscription_changes.event_key`,
      `INSERT INTO ${table} SELECT * FROM staged_subscription_changes`,
    ]);
  });
});

describe("Redshift over its Data API", () => {
  testWarehouse(overDataApi);
  testLoadsTogether(overDataApi);

  const query = {
    facts: [],
    columns: [{ name: "n", type: "integer" as const }],
    sql: () => "SELECT 1 AS n",
  };
  const limits = { rowsMax: 10, waitMsMax: 10_000 };

  test("failed and aborted statements are reported, throttling is retried, and a rejected call is reported as unavailable", async () => {
    await using it = await overDataApi();
    await it.warehouse.ready();
    it.api.faults.throttle = 2;
    expect(await it.warehouse.run(query, limits)).toEqual([{ n: 1n }]);
    it.api.faults.refuse = "ExpiredTokenException";
    await expect(it.warehouse.run(query, limits)).rejects.toMatchObject({ code: "unavailable" });
    it.api.faults.refuse = undefined;
    it.api.faults.end = "ABORTED";
    await expect(it.warehouse.run(query, limits)).rejects.toMatchObject({ code: "unavailable" });
    it.api.faults.end = "FAILED";
    await expect(it.warehouse.run(query, limits)).rejects.toThrow("injected by the test");
  });

  test("a statement that takes too long is cancelled", async () => {
    await using it = await overDataApi();
    await it.warehouse.ready();
    const slow = { ...query, sql: () => "SELECT pg_sleep(60)" };
    const late = it.warehouse.run(slow, { ...limits, waitMsMax: 200 });
    await expect(late).rejects.toMatchObject({ code: "unprocessable" });
    expect(it.api.operations.at(-1)).toBe("CancelStatement");
  });
});

describe("uploads to S3", () => {
  const client = (endpoint: string, accessKeyId = TEST_CREDENTIALS.accessKeyId) =>
    new S3Client({
      region: "eu-central-1",
      endpoint,
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { ...TEST_CREDENTIALS, accessKeyId },
    });
  const bytes = Buffer.from("PAR1");

  test("a signed upload stores the bytes below the prefix, whatever the name contains", async () => {
    const s3 = await fakeS3();
    const put = s3Put(client(s3.url), "s3://lake/first light/");
    expect(await put("a b/c+d&é(1).parquet", bytes)).toBe(
      "s3://lake/first light/a b/c+d&é(1).parquet",
    );
    expect([...s3.objects]).toEqual([["lake/first light/a b/c+d&é(1).parquet", bytes]]);
    await s3.close();
  });

  test("a refused upload fails with the reason of S3, an unreachable S3 as unavailable", async () => {
    const s3 = await fakeS3();
    const refused = s3Put(client(s3.url, "OTHERKEY"), "s3://lake")("file", bytes);
    await expect(refused).rejects.toMatchObject({
      code: "unavailable",
      message: "s3://lake/file cannot be written: AccessDenied",
    });
    await s3.close();
    const unreachable = s3Put(client(s3.url), "s3://lake")("file", bytes);
    await expect(unreachable).rejects.toMatchObject({
      code: "unavailable",
      message: "s3://lake does not answer.",
    });
  });
});
