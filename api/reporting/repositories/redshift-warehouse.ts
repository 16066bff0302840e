import { readFile } from "node:fs/promises";
import path from "node:path";

import { AppError } from "#platform/errors.ts";

import type { RawRow } from "../domain/report.ts";
import type { LakeFile, QueryLimits, Warehouse, WarehouseQuery } from "../warehouse/port.ts";
import { tooManyRows } from "./lake-duck.ts";
import { createTablesSql, loadSql, redshiftTable } from "./redshift-sql.ts";
import { rowOf, timestampText } from "./warehouse-rows.ts";

const READY_LIMITS = { rowsMax: 1, waitMsMax: 5_000 };

const RETRY_MS = 5_000;

export const warehouseUnavailable = (cause: unknown): AppError =>
  new AppError("unavailable", "The warehouse is unavailable: try again later.", {
    cause,
    waitMs: RETRY_MS,
  });

/** A connection to Redshift. Throws `warehouseUnavailable` when it is unavailable. */
export type RedshiftClient = {
  /** The SQL placeholder of the n-th value (from 1). */
  placeholder(n: number): string;
  /** Executes statements in one transaction. */
  batch(statements: readonly string[]): Promise<void>;
  /** @throws AppError unprocessable when it takes longer than `waitMsMax` */
  rows(sql: string, values: readonly string[], limits: QueryLimits): Promise<unknown[][]>;
  close(): Promise<void>;
};

/** Uploads a file for Redshift to copy; `key` is its path in the lake. Returns its s3:// URL. */
export type PutObject = (key: string, bytes: Buffer) => Promise<string>;

/** Amazon Redshift: files are uploaded to S3, copied by Redshift and replace the rows with their keys. */
export function redshiftWarehouse(deps: {
  client: RedshiftClient;
  put: PutObject;
  iamRole: string;
  /** The lake's folder. */
  folder: string;
}): Warehouse {
  const { client } = deps;
  let prepared: Promise<void> | undefined;
  const prepare = (): Promise<void> => {
    prepared ??= client.batch(createTablesSql()).catch((error: unknown) => {
      prepared = undefined;
      throw error;
    });
    return prepared;
  };
  return {
    engine: "redshift",
    async load(fact, files: readonly LakeFile[]) {
      await prepare();
      for (const file of files) {
        const bytes = await readFile(path.join(deps.folder, file.path));
        const s3 = await deps.put(file.path, bytes);
        await client.batch(loadSql(fact, { s3, iamRole: deps.iamRole }));
      }
    },
    async run(query: WarehouseQuery, limits): Promise<RawRow[]> {
      await prepare();
      const values: string[] = [];
      const bind = (value: string): string => client.placeholder(values.push(value));
      const sql = query.sql({
        table: redshiftTable,
        text: bind,
        time: (atMs) => `CAST(${bind(timestampText(atMs))} AS TIMESTAMP)`,
      });
      const rows = await client.rows(`${sql}\nLIMIT ${limits.rowsMax + 1}`, values, limits);
      if (rows.length > limits.rowsMax) throw tooManyRows(limits.rowsMax);
      return rows.map((row) => rowOf(query, row));
    },
    async ready() {
      await prepare();
      await client.rows("SELECT 1", [], READY_LIMITS);
    },
    close: () => client.close(),
  };
}
