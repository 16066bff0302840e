import type { Queryable } from "#platform/postgres/database.ts";

/** Detects changes of a service's tables. */
export type Watch = {
  /** Checks that a rejected request (4xx) has changed nothing. @throws Error that names the tables */
  after(status: number, request: string): Promise<void>;
  unchanged(request: string): Promise<void>;
};

export async function watchTables(
  database: Queryable,
  schema: string,
  ignored: readonly string[],
): Promise<Watch> {
  const rows = await database.query("SELECT tablename FROM pg_tables WHERE schemaname = $1", [
    schema,
  ]);
  const tables = rows.map((row) => String(row["tablename"])).filter((it) => !ignored.includes(it));
  const look = async (): Promise<Map<string, string>> => {
    const sums = await database.query(tables.map(sumOf).join(" UNION ALL "));
    return new Map(sums.map((row) => [String(row["name"]), String(row["sum"])]));
  };
  let known = await look();
  const compare = async (request: string): Promise<void> => {
    const now = await look();
    const changed = tables.filter((table) => now.get(table) !== known.get(table));
    known = now;
    if (changed.length > 0) {
      throw new Error(`${request} was rejected or repeated, and changed ${changed.join(", ")}`);
    }
  };
  return {
    async after(status, request) {
      if (status < 400) known = await look();
      else await compare(request);
    },
    unchanged: compare,
  };
}

const sumOf = (table: string): string =>
  `SELECT '${table}' AS name, count(*)::text || coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') AS sum
   FROM "${table}" t`;
