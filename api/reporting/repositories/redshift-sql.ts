import { FACTS, FACT_NAMES, type FactName } from "../domain/facts.ts";

/** A separate schema in the database. */
const SCHEMA = "reporting";
const TYPES = { text: "VARCHAR(1024)", integer: "BIGINT", time: "TIMESTAMP" };

export const redshiftTable = (fact: FactName): string => `${SCHEMA}.${fact}`;

/** Creates missing tables. Rows are sorted by time, because every report filters by it. */
export const createTablesSql = (): string[] => [
  `CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`,
  ...FACT_NAMES.map(
    (fact) =>
      `CREATE TABLE IF NOT EXISTS ${redshiftTable(fact)} (${columnsSql(fact)}) DISTSTYLE AUTO SORTKEY (happened_at)`,
  ),
];

const columnsSql = (fact: FactName): string =>
  FACTS[fact].columns.map(({ name, type }) => `${name} ${TYPES[type]}`).join(", ");

/**
 * Loads one file: copies it into a staging table, then replaces the rows with its keys, in one transaction. Loads of
 * one table wait for each other on a lock, and loading again changes nothing. The lock comes first because the next
 * statement takes the snapshot, which must include earlier loads.
 */
export function loadSql(fact: FactName, from: { s3: string; iamRole: string }): string[] {
  const table = redshiftTable(fact);
  const staged = `staged_${fact}`;
  const { key } = FACTS[fact];
  return [
    `LOCK TABLE ${table}`,
    `CREATE TEMP TABLE ${staged} (LIKE ${table})`,
    `COPY ${staged} FROM ${literal(from.s3)} IAM_ROLE ${literal(from.iamRole)} FORMAT AS PARQUET`,
    `DELETE FROM ${table} USING ${staged} WHERE ${table}.${key} = ${staged}.${key}`,
    `INSERT INTO ${table} SELECT * FROM ${staged}`,
    `DROP TABLE ${staged}`,
  ];
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
