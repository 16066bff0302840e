import type { Filter } from "../filter.ts";
import type { MergedCell } from "../store/port.ts";
import type { Accumulator, RawAggregate } from "./measure.ts";

/** A number that adds up. */
export class Sum implements Accumulator {
  value = 0;

  get size(): number {
    return this.value;
  }

  merge(other: Sum): void {
    this.value += other.value;
  }
}

export function addValue(into: Sum, { value }: Pick<MergedCell, "value">): void {
  into.value += value;
}

/** Counts the events that match. */
export function countOf(where: Filter): RawAggregate<Sum> {
  return { aggregate: { kind: "count" }, where, add: addValue };
}

export const ZERO_RULE =
  "Zero between the oldest and the newest event, no value before and after. Points start at multiples of the step.";
