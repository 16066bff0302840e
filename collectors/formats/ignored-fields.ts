import type { Batch } from "../batch.ts";
import { EXTRA_FIELD } from "../fields.ts";

/** The names of fields whose value does not fit their type. The values are beside it, in `labels.ignored.NAME`. */
export const IGNORED_FIELDS = "labels.ignored_fields";

/** Where the value of such a field is. */
export const ignoredField = (name: string): string => `labels.ignored.${name}`;

/** The fields that were set aside in the open row. */
export function ignoredFields(batch: Batch): string[] {
  const column = batch.text(EXTRA_FIELD);
  const id = column.ids[batch.rows] ?? 0;
  const text = id === 0 ? "" : column.text(id);
  if (!text.includes(IGNORED_FIELDS)) return [];
  const extras: Record<string, unknown> = JSON.parse(text);
  const names = extras[IGNORED_FIELDS];
  return Array.isArray(names) ? names.map(String) : [];
}
