import { FACTS, FACT_NAMES, type FactName } from "../domain/facts.ts";

/** Of the warehouse's own database: its other schemas are not ours. */
const SCHEMA = "reporting";
const TYPES = { text: "VARCHAR(1024)", integer: "BIGINT", time: "TIMESTAMP" };

export const redshiftTable = (fact: FactName): string => `${SCHEMA}.${fact}`;

/** Expands the schema: tables that are not there yet. Rows lie in the order of time, which every report asks by. */
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
 * Takes one file in: copied beside the table, then put in the place of the rows of its keys; in one transaction, behind a
 * lock, so that loads of the same table wait for each other and doing it again changes nothing. The lock comes first: all
 * else takes the snapshot of the transaction, and one from before the lock does not have what the others have loaded.
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
