import type { Condition, Filter } from "../filter.ts";
import {
  ACCESS_DATASETS,
  REQUEST_CATEGORY,
  REQUEST_TYPE,
  TYPED_ACCESS_DATASETS,
} from "./request.ts";
import { DATASET, STATUS } from "./split-fields.ts";

const CATEGORY = "event.category";
const TYPE = "event.type";

export const is = (field: string, value: string): Condition => ({ field, op: "eq", value });
const isNot = (field: string, value: string): Condition => ({ field, op: "ne", value });
export const has = (field: string): Condition => ({ field, op: "exists" });
export const lacks = (field: string): Condition => ({ field, op: "missing" });

/** What makes an event of a dataset with other types a request. */
const TYPED_REQUEST: Condition = {
  op: "or",
  of: [[has(STATUS)], [lacks(TYPE)], [is(TYPE, REQUEST_TYPE)]],
};

/**
 * Disjoint filters that together match every request of the datasets. `datasets` are those that may have matching
 * events, so that most filters are not needed.
 */
export function requestFilters(datasets: readonly string[]): Filter[] {
  const { access, typed, others } = sorted(datasets);
  if (typed.length === 0 && others.length === 0 && access.length > 0) return [[]];
  const certain = [
    ...access.map((dataset) => [is(DATASET, dataset)]),
    ...typed.map((dataset) => [is(DATASET, dataset), TYPED_REQUEST]),
  ];
  if (others.length === 0 && certain.length > 0) return certain;
  const outside = [...access, ...typed].map((dataset) => isNot(DATASET, dataset));
  const web = [is(CATEGORY, REQUEST_CATEGORY), is(TYPE, REQUEST_TYPE)];
  return [...certain, [...outside, has(STATUS)], [...outside, lacks(STATUS), ...web]];
}

/** Disjoint filters that together match every event that is not a request. */
export function otherFilters(datasets: readonly string[]): Filter[] {
  const { access, typed, others } = sorted(datasets);
  const typedOthers = typed.map((dataset) => [
    is(DATASET, dataset),
    lacks(STATUS),
    has(TYPE),
    isNot(TYPE, REQUEST_TYPE),
  ]);
  if (others.length === 0) return typedOthers;
  const outside = [...access, ...typed].map((dataset) => isNot(DATASET, dataset));
  return [
    ...typedOthers,
    [...outside, lacks(STATUS), isNot(CATEGORY, REQUEST_CATEGORY)],
    [...outside, lacks(STATUS), is(CATEGORY, REQUEST_CATEGORY), isNot(TYPE, REQUEST_TYPE)],
  ];
}

function sorted(datasets: readonly string[]): {
  access: string[];
  typed: string[];
  others: string[];
} {
  const access = datasets.filter((dataset) => ACCESS_DATASETS.includes(dataset));
  const typed = datasets.filter((dataset) => TYPED_ACCESS_DATASETS.includes(dataset));
  const others = datasets.filter(
    (dataset) => !access.includes(dataset) && !typed.includes(dataset),
  );
  return { access, typed, others };
}
