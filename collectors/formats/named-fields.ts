import type { Batch } from "../batch.ts";
import type { FormatContext, LineScanner } from "../format.ts";
import { openTextLine, type RowWriter } from "./text-line.ts";

/**
 * A scanner for lines whose fields a header line of the stream names. `read` gets these names, or `defaults` without such a line,
 * and returns why a line is rejected.
 */
export function openNamedFields<Defaults extends readonly string[] | undefined>(
  batch: Batch,
  context: FormatContext,
  defaults: Defaults,
  read: (line: string, names: readonly string[] | Defaults, row: RowWriter) => string | undefined,
): LineScanner {
  let text = "";
  let names: readonly string[] | Defaults = defaults;
  return openTextLine(batch, context, (line, row) => {
    const named = context.fieldNames?.text ?? "";
    if (named !== text) names = (text = named) === "" ? defaults : named.split(" ");
    return read(line, names, row);
  });
}
