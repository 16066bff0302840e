import { isField } from "#collectors/batch.ts";
import { FIELDS, type FieldType } from "#collectors/fields.ts";
import { AppError } from "#platform/errors.ts";

import { type FieldCondition, leavesOf, type OneOf, type StoreFilter } from "../filter.ts";
import type { Aggregate } from "./port.ts";

/** Checks of requests, common to all stores. All of these throw AppError bad_request. */

const LIMIT_MAX = 10_000;

/** A field without a column may have any type, in text form. */
export const typeOf = (field: string): FieldType => (isField(field) ? FIELDS[field] : "keyword");

export function checkedLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 0 && limit <= LIMIT_MAX) return limit;
  throw new AppError(
    "bad_request",
    `limit must be a whole number up to ${LIMIT_MAX}: ${limit} is not`,
  );
}

export function checkedStep(stepMs: number): number {
  if (Number.isSafeInteger(stepMs) && stepMs > 0) return stepMs;
  throw new AppError("bad_request", `stepMs must be a whole number above 0: ${stepMs} is not`);
}

export function checkAggregate(aggregate: Aggregate): void {
  if (
    (aggregate.kind === "sum" || aggregate.kind === "gauge") &&
    ["keywords", "date", "boolean"].includes(typeOf(aggregate.field))
  ) {
    throw new AppError("bad_request", `${aggregate.field} is not a number`);
  }
  if (aggregate.kind === "distinct" && aggregate.fields.length === 0) {
    throw new AppError("bad_request", "distinct requires a field");
  }
}

/** Checks that every condition has a valid value for its field. */
export function checkFilter(filter: StoreFilter): void {
  for (const condition of leavesOf(filter)) if (isComparison(condition)) checkComparison(condition);
}

type Comparison = Extract<FieldCondition, { op: "eq" | "ne" | "gt" | "gte" | "lt" | "lte" }>;

const isComparison = (condition: FieldCondition | OneOf): condition is Comparison =>
  ["eq", "ne", "gt", "gte", "lt", "lte"].includes(condition.op);

function checkComparison({ field, op, value }: Comparison): void {
  const type = typeOf(field);
  const isEqual = op === "eq" || op === "ne";
  if (type === "keywords" && !isEqual) throw notComparable(field);
  if (type === "boolean") booleanOf(field, value);
  else if (type === "date") instantOf(field, value);
  else if (!isEqual || (type !== "keyword" && type !== "keywords")) numberOf(field, value);
}

export const notComparable = (field: string): AppError =>
  new AppError("bad_request", `${field} is a list of texts, which cannot be compared by size`);

export function numberOf(field: string, value: string | number): number {
  const number = typeof value === "string" && value.trim() === "" ? Number.NaN : Number(value);
  if (Number.isNaN(number)) throw notOne(field, "a number", value);
  return number;
}

/** Epoch ms. */
export function instantOf(field: string, value: string | number): number {
  const ms = Number(value);
  const instantMs = typeof value === "string" && Number.isNaN(ms) ? Date.parse(value) : ms;
  if (Number.isNaN(instantMs)) throw notOne(field, "a time", value);
  return instantMs;
}

export function booleanOf(field: string, value: string | number): boolean {
  const text = String(value).toLowerCase();
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw notOne(field, "true or false", value);
}

function notOne(field: string, what: string, value: string | number): AppError {
  return new AppError("bad_request", `${field} is ${what}: ${JSON.stringify(value)} is not`);
}
