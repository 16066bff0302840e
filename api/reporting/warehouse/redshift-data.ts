import { setTimeout as sleep } from "node:timers/promises";

import {
  BatchExecuteStatementCommand,
  CancelStatementCommand,
  DescribeStatementCommand,
  ExecuteStatementCommand,
  type Field,
  GetStatementResultCommand,
  type RedshiftDataClient,
} from "@aws-sdk/client-redshift-data";

import { AppError } from "#platform/errors.ts";

import { tooLong } from "../repositories/lake-duck.ts";
import { type RedshiftClient, warehouseUnavailable } from "../repositories/redshift-warehouse.ts";

const LOAD_MS_MAX = 600_000;
const POLL_MS = { first: 50, most: 1_000 };
/** Maximum number of statements in a batch of the API. */
const BATCH_MAX = 40;

/** The database and identity: a serverless workgroup, or a cluster. */
export type DataApiTarget = {
  WorkgroupName?: string;
  ClusterIdentifier?: string;
  Database: string;
  SecretArn?: string;
  DbUser?: string;
};

/**
 * `redshift-data://WORKGROUP/DATABASE?secretArn=…`; with `cluster=true` the name is a cluster and `dbUser` is allowed.
 */
export function dataApiTarget(address: string): DataApiTarget {
  const url = new URL(address);
  const name = decodeURIComponent(url.hostname);
  const get = (parameter: string): string | undefined =>
    url.searchParams.get(parameter) ?? undefined;
  const isCluster = get("cluster") === "true";
  const secretArn = get("secretArn");
  const dbUser = get("dbUser");
  return {
    ...(isCluster ? { ClusterIdentifier: name } : { WorkgroupName: name }),
    Database: decodeURIComponent(url.pathname.slice(1)),
    ...(secretArn === undefined ? {} : { SecretArn: secretArn }),
    ...(dbUser === undefined ? {} : { DbUser: dbUser }),
  };
}

/**
 * Redshift over its Data API: without a connection, a statement is submitted, polled and its result fetched in pages.
 */
export function redshiftDataClient(
  client: RedshiftDataClient,
  target: DataApiTarget,
): RedshiftClient {
  return {
    placeholder: (n) => `:p${n}`,
    async batch(statements) {
      if (statements.length > BATCH_MAX) throw new Error("a batch has more than 40 statements");
      const Sqls = [...statements];
      await reached(async () => {
        const { Id } = await client.send(new BatchExecuteStatementCommand({ ...target, Sqls }));
        await finished(client, Id, LOAD_MS_MAX);
      });
    },
    rows(sql, values, { waitMsMax }) {
      const Parameters = values.map((value, index) => ({ name: `p${index + 1}`, value }));
      const command = new ExecuteStatementCommand({
        ...target,
        Sql: sql,
        // The API rejects an empty list.
        ...(Parameters.length > 0 ? { Parameters } : {}),
      });
      return reached(async () => {
        const { Id } = await client.send(command);
        const hasRows = await finished(client, Id, waitMsMax);
        return hasRows ? await pages(client, Id) : [];
      });
    },
    close: () => Promise.resolve(client.destroy()),
  };
}

class FailedStatement extends Error {}

/** Errors other than a failed statement or an AppError mean that the API is unavailable or rejected the call. */
async function reached<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof FailedStatement || error instanceof AppError
      ? error
      : warehouseUnavailable(error);
  }
}

/** Waits for a statement to end; returns whether it has rows. @throws when it failed or takes too long */
async function finished(
  client: RedshiftDataClient,
  Id: string | undefined,
  waitMsMax: number,
): Promise<boolean> {
  const startedMs = performance.now();
  for (let pauseMs = POLL_MS.first; ; pauseMs = Math.min(pauseMs * 2, POLL_MS.most)) {
    const {
      Status,
      Error: why,
      HasResultSet,
    } = await client.send(new DescribeStatementCommand({ Id }));
    if (Status === "FINISHED") return HasResultSet === true;
    if (Status === "FAILED") throw new FailedStatement(why ?? "the statement has failed");
    if (Status === "ABORTED") {
      throw new AppError("unavailable", "The warehouse aborted the statement: try again.");
    }
    if (performance.now() - startedMs > waitMsMax) {
      // It may have ended in between, with nothing left to cancel.
      await client.send(new CancelStatementCommand({ Id })).catch(() => undefined);
      throw tooLong(waitMsMax, undefined);
    }
    await sleep(pauseMs);
  }
}

async function pages(client: RedshiftDataClient, Id: string | undefined): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(
      new GetStatementResultCommand({ Id, ...(NextToken === undefined ? {} : { NextToken }) }),
    );
    for (const record of page.Records ?? []) rows.push(record.map(valueOf));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return rows;
}

function valueOf(field: Field): unknown {
  if (field.isNull === true) return null;
  return field.stringValue ?? field.longValue ?? field.doubleValue ?? field.booleanValue ?? null;
}
