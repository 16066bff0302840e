import type { TextColumn } from "#collectors/text-column.ts";

import { stableHash } from "../sketches/stable-hash.ts";

/** Longer names are shortened, because a log may have names of a megabyte. */
const NAME_BYTES_MAX = 512;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The name with this number in a column; the beginning and a hash of a long name. */
export function nameIn(column: TextColumn, id: number): string {
  const bytes = column.bytes(id);
  return bytes.length <= NAME_BYTES_MAX ? column.text(id) : shortened(bytes, NAME_BYTES_MAX);
}

/** The text if it has at most this many bytes, otherwise its beginning and a hash of all of it. */
export function shortName(text: string, bytesMax: number): string {
  if (text.length * 3 <= bytesMax) return text;
  const bytes = encoder.encode(text);
  return bytes.length <= bytesMax ? text : shortened(bytes, bytesMax);
}

/** Different texts with the same beginning stay different. */
function shortened(bytes: Uint8Array, bytesMax: number): string {
  const hash = stableHash(bytes).toString(16).padStart(8, "0");
  const suffix = `…${hash}`;
  let end = bytesMax - encoder.encode(suffix).length;
  // Not in the middle of a character, whose later bytes are 10xxxxxx.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return decoder.decode(bytes.subarray(0, end)) + suffix;
}

/** Numbers for the names of a batch; 0 is the empty name. */
export class NameTable {
  #names: string[] = [""];
  readonly #numbers = new Map<string, number>([["", 0]]);

  number(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.#names.length);
    return this.#names.push(name) - 1;
  }

  name(number: number): string {
    return this.#names[number] ?? "";
  }

  clear(): void {
    this.#names = [""];
    this.#numbers.clear();
    this.#numbers.set("", 0);
  }
}
