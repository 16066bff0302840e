import { z } from "zod";

import type { Queryable } from "./database.ts";

/**
 * Columns of a table by property name, with the schema of each value. The column of `customerId` is `customer_id`, and
 * the column of `createdAtMs` is `created_at`. `meta` may set another `column`, a `cast` for reading, or an `sql`
 * expression instead of a column, which inserts and updates leave out.
 */
type Shape = Readonly<Record<string, z.ZodType>>;
type RowOfShape<Of extends Shape> = { [Property in keyof Of]: z.output<Of[Property]> };
/** Properties that are undefined are left out. */
type Some<Row> = { [Property in keyof Row]?: Row[Property] | undefined };

export type RowOf<Of> = Of extends Table<infer Row> ? Row : never;

export type PageOptions<Row> = {
  limit: number;
  /** Time and key of the last row of the previous page. */
  after: readonly [ms: number, key: string];
  order: "newest" | "oldest";
  where?: Some<Row>;
  /** Further conditions with `$` for the value; those with an undefined value are left out. */
  and?: Readonly<Record<string, unknown>>;
  /** The columns of `after`; default: `created_at`, `id`. */
  by?: readonly [time: string, key: string];
};

/** Maps rows to objects and generates the SQL that every table needs; other statements are plain SQL with `columns`. */
export type Table<Row> = {
  /** The column list for SELECT and RETURNING. */
  readonly columns: string;
  parse(rows: readonly unknown[]): Row[];
  /** The first row with these values; `lock` e.g. `FOR UPDATE`. */
  find(db: Queryable, where: Some<Row>, lock?: string): Promise<Row | undefined>;
  /** At most one more than `limit`, so that the caller knows whether there is another page. */
  page(db: Queryable, options: PageOptions<Row>): Promise<Row[]>;
  insert(db: Queryable, values: Some<Row>): Promise<Row>;
  /** Inserts all rows in one statement; they must set the same properties. */
  insertAll(db: Queryable, rows: readonly Some<Row>[]): Promise<Row[]>;
  /** Undefined if the row violates a unique constraint. */
  insertIfAbsent(db: Queryable, values: Some<Row>): Promise<Row | undefined>;
  /** Changes an existing row; `version` is incremented unless it is set. */
  update(db: Queryable, where: Some<Row>, changes: Some<Row>): Promise<Row>;
};

export const bytes = z.instanceof(Buffer);

/** A timestamptz as epoch ms. */
export const time = z.codec(z.date(), z.number(), {
  decode: (date) => date.getTime(),
  encode: (ms) => new Date(ms),
});

/** A jsonb column. */
export const json = <Output>(schema: z.ZodType<Output>) =>
  z.codec(z.unknown(), z.custom<Output>(), {
    decode: (value) => schema.parse(value),
    encode: (value) => JSON.stringify(value),
  });

/** NULL as undefined. */
export const optional = <Output>(schema: z.ZodType<Output>) =>
  z.codec(z.unknown(), z.custom<Output | undefined>(), {
    decode: (value) => (value === null ? undefined : schema.parse(value)),
    encode: (value) => (value === undefined ? null : z.encode(schema, value)),
  });

export function table<const Of extends Shape>(name: string, shape: Of): Table<RowOfShape<Of>> {
  type Row = RowOfShape<Of>;
  const fields = Object.entries(shape).map(([property, schema]) => fieldOf(property, schema));
  const stored = fields.filter((it) => it.sql === it.column);
  const columns = fields.map((it) => it.selected).join(", ");
  const parse = parserOf<Row>(fields);
  const equal = (values: Some<Row>, bound: unknown[]): string[] =>
    bind(fields, values, bound).map((it) => `${it.sql} = ${it.placeholder}`);
  const insertAll = async (db: Queryable, rows: readonly Some<Row>[], onConflict = "") => {
    const bound: unknown[] = [];
    const all = rows.map((values) => bind(stored, values, bound));
    const tuples = all.map((set) => `(${set.map((it) => it.placeholder).join(", ")})`);
    const sql = `INSERT INTO ${name} (${all[0]?.map((it) => it.column).join(", ")})
      VALUES ${tuples.join(", ")} ${onConflict} RETURNING ${columns}`;
    return parse(await db.query(sql, bound));
  };
  return {
    columns,
    parse,
    async find(db, where, lock = "") {
      const bound: unknown[] = [];
      const conditions = equal(where, bound).join(" AND ");
      const sql = `SELECT ${columns} FROM ${name} WHERE ${conditions} LIMIT 1 ${lock}`;
      return parse(await db.query(sql, bound))[0];
    },
    async page(db, { limit, after, order, where = {}, and = {}, by = ["created_at", "id"] }) {
      const bound: unknown[] = [new Date(after[0]), after[1], limit + 1];
      const conditions = [...equal(where, bound), ...conditionsOf(and, bound)];
      const [comparison, direction] = order === "newest" ? ["<", "DESC"] : [">", "ASC"];
      const sql = `SELECT ${columns} FROM ${name}
        WHERE ${[`(${by.join(", ")}) ${comparison} ($1, $2)`, ...conditions].join(" AND ")}
        ORDER BY ${by.map((column) => `${column} ${direction}`).join(", ")} LIMIT $3`;
      return parse(await db.query(sql, bound));
    },
    async insert(db, values) {
      const [row] = await insertAll(db, [values]);
      if (row === undefined) throw new Error(`${name} did not return the inserted row`);
      return row;
    },
    insertAll,
    insertIfAbsent: async (db, values) =>
      (await insertAll(db, [values], "ON CONFLICT DO NOTHING"))[0],
    async update(db, where, changes) {
      const bound: unknown[] = [];
      const set = bind(stored, changes, bound).map((it) => `${it.column} = ${it.placeholder}`);
      if ("version" in shape && changes["version"] === undefined) set.push("version = version + 1");
      const conditions = equal(where, bound).join(" AND ");
      const sql = `UPDATE ${name} SET ${set.join(", ")} WHERE ${conditions} RETURNING ${columns}`;
      const [row] = parse(await db.query(sql, bound));
      if (row === undefined) throw new Error(`${name} has no row where ${conditions}`);
      return row;
    },
  };
}

type Field = ReturnType<typeof fieldOf>;

function parserOf<Row>(fields: readonly Field[]): (rows: readonly unknown[]) => Row[] {
  const Raw = z.object(Object.fromEntries(fields.map((it) => [it.column, it.schema])));
  return (rows) =>
    rows.map((row) => {
      const raw = Raw.parse(row);
      const values = fields.map((it) => [it.property, raw[it.column]]);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked by the schema of each field
      return Object.fromEntries(values) as Row;
    });
}

/** Appends the values that are set to `bound`. @returns their columns and placeholders */
function bind(
  fields: readonly Field[],
  values: Readonly<Record<string, unknown>>,
  bound: unknown[],
): { column: string; sql: string; placeholder: string }[] {
  const set = fields.filter((it) => values[it.property] !== undefined);
  return set.map(({ column, sql, schema, property }) => {
    bound.push(z.encode(schema, values[property]));
    return { column, sql, placeholder: `$${bound.length}` };
  });
}

function conditionsOf(conditions: Readonly<Record<string, unknown>>, bound: unknown[]): string[] {
  return Object.entries(conditions).flatMap(([condition, value]) => {
    if (value === undefined) return [];
    bound.push(value);
    return [condition.replaceAll("$", `$${bound.length}`)];
  });
}

const Meta = z.object({
  column: z.string().optional(),
  cast: z.string().optional(),
  sql: z.string().optional(),
});

function fieldOf(property: string, schema: z.ZodType) {
  const inner = schema instanceof z.ZodNullable ? schema.unwrap() : schema;
  const meta = Meta.parse({ ...z.globalRegistry.get(inner), ...schema.meta() });
  const { column = columnOf(property), cast } = meta;
  const sql = meta.sql ?? column;
  const read = cast === undefined ? sql : `${sql}::${cast}`;
  return {
    property,
    schema,
    column,
    sql,
    selected: read === column ? column : `${read} AS ${column}`,
  };
}

const columnOf = (property: string): string =>
  property.replace(/Ms$/, "").replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
