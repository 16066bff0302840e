import type { Batch } from "../batch.ts";
import { textOf } from "./bytes.ts";

/** Functions for `Format.detection`: the open row of the batch has the fields of the line. */

export function isSet(batch: Batch, field: Parameters<Batch["text"]>[0]): boolean {
  return batch.text(field).ids[batch.rows] !== 0;
}

/** The value of the field; "" if it has none. */
export function valueIn(batch: Batch, field: Parameters<Batch["text"]>[0]): string {
  const column = batch.text(field);
  const id = column.ids[batch.rows] ?? 0;
  return id === 0 ? "" : column.text(id);
}

export function includes(line: Uint8Array, text: string): boolean {
  return Buffer.from(line.buffer, line.byteOffset, line.byteLength).includes(text);
}

/** Whether bytes of the line are escaped as nginx does, in upper case: `\x22` for a quote, `\xE3`. */
export function hasNginxEscape(line: Uint8Array): boolean {
  return (
    includes(line, "\\x") && /\\x(?:22|[\dA-F][A-F]|[A-F]\d)/.test(textOf(line, 0, line.length))
  );
}

const CACHE_STATUS = /[ "=](?:HIT|MISS|BYPASS|EXPIRED|STALE|UPDATING|REVALIDATED)(?:"|\s|$)/;

/** Whether a value of `$upstream_cache_status` follows the user agent, which only nginx writes in upper case. */
export function hasNginxVariable(line: Uint8Array): boolean {
  if (line[0] === 0x7b) return /"[^"]*cache_status"\s*:\s*"/.test(textOf(line, 0, line.length));
  const text = textOf(line, 0, line.length);
  const tail = text.slice(text.indexOf('" "') + 2);
  return CACHE_STATUS.test(tail);
}

/** Whether bytes of the line are escaped as Apache does: `\"` for a quote, `\xe3` in lower case. */
export function hasApacheEscape(line: Uint8Array): boolean {
  if (includes(line, '\\"')) return true;
  return includes(line, "\\x") && /\\x(?:[\da-f][a-f]|[a-f]\d)/.test(textOf(line, 0, line.length));
}
