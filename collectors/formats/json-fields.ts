import type { Batch } from "../batch.ts";
import type { FormatContext, LineScanner } from "../format.ts";
import { FIELDS_MAX, flatten, parseJsonLine } from "./json-line.ts";
import { RowWriter } from "./text-line.ts";

/** A scanner for lines that are JSON objects, whose fields have dotted names; `read` returns why a line is rejected. */
export function openJsonFields(
  batch: Batch,
  context: FormatContext,
  read: (fields: Map<string, unknown>, row: RowWriter) => string | undefined,
): LineScanner {
  const row = new RowWriter(batch, context);
  return (bytes, start, end) => {
    const parsed = parseJsonLine(bytes, start, end);
    if ("reason" in parsed) return parsed.reason;
    const fields = flatten(parsed.object);
    if (!fields) return `JSON has more than ${FIELDS_MAX} fields`;
    row.begin();
    const reason = read(fields, row);
    if (reason === undefined) row.end();
    return reason;
  };
}
