import type { Batch } from "../batch.ts";

/** Functions for `Format.detection`: the batch holds one line. */

export function isSet(batch: Batch, field: Parameters<Batch["text"]>[0]): boolean {
  return batch.text(field).ids[0] !== 0;
}

export function includes(line: Uint8Array, text: string): boolean {
  return Buffer.from(line.buffer, line.byteOffset, line.byteLength).includes(text);
}
