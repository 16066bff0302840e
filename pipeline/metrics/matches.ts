import { assertNever } from "#platform/errors.ts";

import type { Condition, Filter } from "../filter.ts";

/** Whether a value meets the conditions on its field; the empty value is an absent one. As the store does it. */
export function matchesAll(where: Filter, field: string, value: string): boolean {
  return where.every((condition) => condition.field !== field || matches(condition, value));
}

function matches(condition: Condition, value: string): boolean {
  if (isComparison(condition)) return value !== "" && compares(Number(value), condition);
  switch (condition.op) {
    case "eq":
    case "ne":
      return (value === String(condition.value)) === (condition.op === "eq");
    case "exists":
    case "missing":
      return (value !== "") === (condition.op === "exists");
    case "like":
    case "not_like":
      return isLike(value, condition.value) === (condition.op === "like");
    case "contains":
      return false;
    default:
      return assertNever(condition);
  }
}

type Comparison = Extract<Condition, { op: "gt" | "gte" | "lt" | "lte" }>;

function isComparison(condition: Condition): condition is Comparison {
  return ["gt", "gte", "lt", "lte"].includes(condition.op);
}

function compares(value: number, { op, value: limit }: Comparison): boolean {
  if (value === limit) return op === "gte" || op === "lte";
  return value > limit ? op === "gt" || op === "gte" : op === "lt" || op === "lte";
}

/** `*` stands for any run of characters. Linear: parts are looked for from left to right. */
function isLike(value: string, pattern: string): boolean {
  if (value === "") return false;
  const text = value.toLowerCase();
  const [head = "", ...rest] = pattern.toLowerCase().split("*");
  const tail = rest.pop();
  if (tail === undefined) return text === head;
  if (!text.startsWith(head)) return false;
  let at = head.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - tail.length >= at && text.endsWith(tail);
}
