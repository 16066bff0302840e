import type { RawRow } from "../domain/report.ts";
import type { WarehouseQuery } from "../warehouse/port.ts";

/** A result row by column name; integers as bigint in every engine. */
export function rowOf(query: WarehouseQuery, cells: readonly unknown[]): RawRow {
  return Object.fromEntries(
    query.columns.map(({ name, type }, index) => [name, cellOf(type, cells[index] ?? null)]),
  );
}

function cellOf(type: "text" | "integer", cell: unknown): string | bigint | null {
  if (cell === null) return null;
  if (typeof cell !== "string" && typeof cell !== "number" && typeof cell !== "bigint") {
    throw new TypeError(`the warehouse answered ${JSON.stringify(cell)}`);
  }
  return type === "text" ? String(cell) : BigInt(cell);
}

/** A time as a TIMESTAMP literal of every engine: `2026-11-24 10:00:00.000`, in UTC. */
export const timestampText = (atMs: number): string =>
  new Date(atMs).toISOString().replace("T", " ").replace("Z", "");
