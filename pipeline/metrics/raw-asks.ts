import { AppError } from "#platform/errors.ts";

import type { Condition, Filter } from "../filter.ts";
import {
  ACCESS_DATASETS,
  ERROR_STATUS_MIN,
  INSTANCE_FIELDS,
  instanceName,
  REQUEST_CATEGORY,
  REQUEST_TYPE,
  SIGN_IN,
  SIGN_OUT,
  STATUS_END,
  VISITOR_FALLBACK,
  VISITOR_FIELDS,
} from "../live/request.ts";
import type { Aggregate, AggregateRow } from "../store/port.ts";
import type { Component, Measures } from "./measures.ts";
import { DATASET, INSTANCE, STATUS } from "./planner.ts";
import { addHandling } from "./read-cells.ts";

const NAMES_MAX = 1000;
const DURATION = "event.duration";
const BODY_BYTES = "http.response.body.bytes";
const ALL_BYTES = "http.response.bytes";
const HANDLING = "varnish.handling";

/** One question to the store. Asks of a component are disjoint: each event answers at most one of them. */
export type RawAsk = {
  aggregate: Aggregate;
  where: Filter;
  /** A split that the component itself needs; run-query.ts lets nothing else split it. */
  by?: { field: string; limit: number };
  add(measures: Measures, row: AggregateRow): void;
};

/**
 * What to ask the store to count a component from raw events. Conditions can only be joined by "and", so "a request is
 * this or that" becomes several asks; `datasets` are those that may have matching events, and save most of them.
 */
export function rawAsks(component: Component, datasets: readonly string[]): RawAsk[] {
  switch (component) {
    case "requests":
      return requestArms(datasets).map((where) => count(where, "requests"));
    case "errors":
      return [count(ERRORS, "errors")];
    case "signIns":
      return [count([is("event.action", SIGN_IN)], "signIns")];
    case "signOuts":
      return [count([is("event.action", SIGN_OUT)], "signOuts")];
    case "events":
      return otherArms(datasets).map((where) => count(where, "events"));
    case "latency":
      return requestArms(datasets).map(latencyAsk);
    case "bytes":
      return requestArms(datasets).flatMap(bytesAsks);
    case "users":
      return usersAsks(datasets);
    case "instances":
      return requestArms(datasets).flatMap((where) => instanceAsks(where, addInstance));
    case "cache":
      return requestArms(datasets).map(cacheAsk);
    default:
      throw new AppError("bad_request", `there is nothing to count for ${String(component)}`);
  }
}

/** Requests split by instance, each row's `by` an instance's name. */
export function requestsByInstance(datasets: readonly string[]): RawAsk[] {
  return requestArms(datasets).flatMap((where) => instanceAsks(where, adding("requests")));
}

const is = (field: string, value: string): Condition => ({ field, op: "eq", value });
const isNot = (field: string, value: string): Condition => ({ field, op: "ne", value });
const has = (field: string): Condition => ({ field, op: "exists" });
const lacks = (field: string): Condition => ({ field, op: "missing" });

const ERRORS: Filter = [
  { field: STATUS, op: "gte", value: ERROR_STATUS_MIN },
  { field: STATUS, op: "lt", value: STATUS_END },
];

/** Disjoint filters that together match every request of the datasets. */
function requestArms(datasets: readonly string[]): Filter[] {
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

/** Disjoint filters that together match every event that is no request. */
function otherArms(datasets: readonly string[]): Filter[] {
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

type Counter = "requests" | "errors" | "signIns" | "signOuts" | "events" | "bytes" | "usersCounted";

function adding(counter: Counter): RawAsk["add"] {
  return (measures, { value }) => {
    measures[counter] += value;
  };
}

function count(where: Filter, counter: Counter): RawAsk {
  return { aggregate: { kind: "count" }, where, add: adding(counter) };
}

function latencyAsk(where: Filter): RawAsk {
  return {
    aggregate: { kind: "latency", field: DURATION },
    where: [...where, { field: DURATION, op: "gte", value: 0 }],
    add: (measures, { bucket, value }) => {
      if (bucket !== null) measures.latency.addBucket(bucket, value);
    },
  };
}

function bytesAsks(where: Filter): RawAsk[] {
  const add = adding("bytes");
  const body: Condition = { field: BODY_BYTES, op: "gt", value: 0 };
  const all: Condition = { field: ALL_BYTES, op: "gt", value: 0 };
  return [
    { aggregate: { kind: "sum", field: BODY_BYTES }, where: [...where, body], add },
    {
      aggregate: { kind: "sum", field: ALL_BYTES },
      where: [...where, lacks(BODY_BYTES), all],
      add,
    },
  ];
}

/**
 * Visitors by what names them: each kind is apart from the others. A visitor may be in several of the request arms, so
 * where there is more than one, all events that have a visitor count.
 */
function usersAsks(datasets: readonly string[]): RawAsk[] {
  const arms = requestArms(datasets);
  const [only = []] = arms.length === 1 ? arms : [];
  const add = adding("usersCounted");
  const named = VISITOR_FIELDS.map((field, i): RawAsk => {
    const where = [...only, ...VISITOR_FIELDS.slice(0, i).map(lacks), has(field)];
    return { aggregate: { kind: "distinct", fields: [field] }, where, add };
  });
  const nameless = [...only, ...VISITOR_FIELDS.map(lacks), has(VISITOR_FALLBACK[0])];
  const fields = [...VISITOR_FALLBACK];
  return [...named, { aggregate: { kind: "distinct", fields }, where: nameless, add }];
}

function addInstance(measures: Measures, { by }: AggregateRow): void {
  if (by) measures.instances.add(by);
}

function instanceAsks(where: Filter, add: RawAsk["add"]): RawAsk[] {
  return INSTANCE_FIELDS.map((field, i) => ({
    aggregate: { kind: "count" },
    where: [...where, ...INSTANCE_FIELDS.slice(0, i).map(lacks), has(field)],
    by: { field, limit: NAMES_MAX },
    add: (measures, row) => add(measures, { ...row, by: instanceName(row.by ?? "") }),
  }));
}

function cacheAsk(where: Filter): RawAsk {
  return {
    aggregate: { kind: "count" },
    where: [...where, has(HANDLING)],
    by: { field: HANDLING, limit: NAMES_MAX },
    add: (measures, { by, value }) => addHandling(measures, by ?? "", value),
  };
}

export function isInstanceSplit(component: Component, by: string | undefined): boolean {
  return component === "requests" && by === INSTANCE;
}
