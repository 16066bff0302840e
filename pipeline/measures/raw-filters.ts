import type { Condition, Filter } from "../filter.ts";
import { ACCESS_DATASETS, REQUEST_CATEGORY, REQUEST_TYPE } from "./request.ts";
import { DATASET, STATUS } from "./split-fields.ts";

export const is = (field: string, value: string): Condition => ({ field, op: "eq", value });
const isNot = (field: string, value: string): Condition => ({ field, op: "ne", value });
export const has = (field: string): Condition => ({ field, op: "exists" });
export const lacks = (field: string): Condition => ({ field, op: "missing" });

/**
 * Disjoint filters that together match every request of the datasets. Conditions can only be joined by "and", so "this
 * or that" needs several filters. `datasets` are those that may have matching events, so that most filters are not
 * needed.
 */
export function requestFilters(datasets: readonly string[]): Filter[] {
  const { access, others } = sorted(datasets);
  if (others.length === 0 && access.length > 0) return [[]];
  const outside = access.map((dataset) => isNot(DATASET, dataset));
  const web = [is("event.category", REQUEST_CATEGORY), is("event.type", REQUEST_TYPE)];
  return [
    ...access.map((dataset) => [is(DATASET, dataset)]),
    [...outside, has(STATUS)],
    [...outside, lacks(STATUS), ...web],
  ];
}

/** Disjoint filters that together match every event that is not a request. */
export function otherFilters(datasets: readonly string[]): Filter[] {
  const { access, others } = sorted(datasets);
  if (others.length === 0) return [];
  const outside = [...access.map((dataset) => isNot(DATASET, dataset)), lacks(STATUS)];
  return [
    [...outside, isNot("event.category", REQUEST_CATEGORY)],
    [...outside, is("event.category", REQUEST_CATEGORY), isNot("event.type", REQUEST_TYPE)],
  ];
}

const isAccess = (dataset: string): boolean => ACCESS_DATASETS.includes(dataset);

function sorted(datasets: readonly string[]): { access: string[]; others: string[] } {
  return {
    access: datasets.filter(isAccess),
    others: datasets.filter((dataset) => !isAccess(dataset)),
  };
}
