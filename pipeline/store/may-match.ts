import type { Condition, OneOf, StoreFilter } from "../filter.ts";
import { FULL_TEXT_FIELDS } from "../matches.ts";

const SEARCHED: readonly string[] = FULL_TEXT_FIELDS;

/** Whether the filter depends on what the texts of an event contain, so that `mayMatch` may be false. */
export function seeksText(where: StoreFilter): boolean {
  return !mayMatch(where, () => false);
}

/**
 * False if no event can match because none contains the texts that the filter requires. `mayContain`: whether one of the fields
 * that are searched for words may contain this text in some event, whatever the case of its letters.
 */
export function mayMatch(where: StoreFilter, mayContain: (text: string) => boolean): boolean {
  return where.every((condition) => mayHold(condition, mayContain));
}

function mayHold(condition: Condition | OneOf, mayContain: (text: string) => boolean): boolean {
  const { op } = condition;
  if (op === "or") return condition.of.some((filter) => mayMatch(filter, mayContain));
  if (op === "contains") return mayContain(condition.value);
  if (op !== "eq" && op !== "like") return true;
  if (!SEARCHED.includes(condition.field)) return true;
  const texts = op === "like" ? condition.value.split("*") : [String(condition.value)];
  return texts.every(mayContain);
}
