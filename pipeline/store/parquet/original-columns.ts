import { isAscii, isUtf8 } from "node:buffer";

import type { Batch } from "#collectors/batch.ts";
import { ORIGINAL_BYTES } from "#collectors/fields.ts";
import { escapeInvalidUtf8 } from "#collectors/formats/bytes.ts";
import { LineColumn } from "#collectors/line-column.ts";

import type { LineData } from "./column.ts";
import { isContinuation } from "./valid-text.ts";

/**
 * The columns with the original lines: as text in `event.original`, and as bytes where that is something else, because
 * the line is not valid UTF-8, or because the sender of the event set the field. Empty columns are left out.
 */
export function originalColumns(batch: Batch): LineData[] {
  const { lines, rows } = batch;
  const own = batch.textColumns().get("event.original");
  const hasOwn = own !== undefined && own.size > 0;
  if (!hasOwn && isText(lines)) return columnOf("text", lines);
  const texts = new LineColumn(rows);
  const bytes = new LineColumn(rows);
  for (let row = 0; row < rows; row += 1) {
    const line = lines.bytes(row);
    const id = own?.ids[row] ?? 0;
    const text = escapeInvalidUtf8(own && id > 0 ? own.bytes(id) : line);
    texts.put(row, text, 0, text.length);
    if (text !== line) bytes.put(row, line, 0, line.length);
  }
  return [...columnOf("text", texts), ...columnOf("bytes", bytes)];
}

/** Whether every line is valid UTF-8. */
function isText(column: LineColumn): boolean {
  const { bytes, starts, lengths } = column.content;
  if (isAscii(bytes)) return true;
  if (!isUtf8(bytes)) return false;
  // All lines together may be valid although a character is split between two of them.
  for (let row = 0; row < lengths.length; row += 1) {
    if (lengths[row] !== 0 && isContinuation(bytes[starts[row]!]!)) return false;
  }
  return true;
}

function columnOf(kind: LineData["kind"], { content }: LineColumn): LineData[] {
  const { bytes: lines, starts, lengths } = content;
  const name = kind === "text" ? "event.original" : ORIGINAL_BYTES;
  return lines.length === 0 ? [] : [{ name, kind, lines, starts, lengths }];
}
