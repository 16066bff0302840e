import { textOf } from "./bytes.ts";

const FIELDS = "#Fields:";
const DIRECTIVE = /^#(?:Software|Version|Date|Start-Date|End-Date|Remark|Fields):/;
const HEADER_BYTES_MAX = 8192;
const HASH = 0x23;

/**
 * The names in a header line of a log in the Extended Log File Format of the W3C (`#Fields: date time …`), separated by
 * spaces; "" for its other directives; undefined for other lines, and if `isOwn` refuses the names.
 */
export function w3cHeader(
  bytes: Uint8Array,
  { start, end }: { start: number; end: number },
  isOwn: (names: readonly string[]) => boolean,
): string | undefined {
  if (bytes[start] !== HASH || end - start > HEADER_BYTES_MAX) return undefined;
  const line = textOf(bytes, start, end);
  if (!DIRECTIVE.test(line)) return undefined;
  if (!line.startsWith(FIELDS)) return "";
  const names = line.slice(FIELDS.length).trim().split(/\s+/);
  return isOwn(names) ? names.join(" ") : undefined;
}

/** The values of a line by the names of its fields; a dash means that there is none. */
export class W3cValues {
  readonly #names: readonly string[];
  readonly #values: readonly string[];

  constructor(names: readonly string[], values: readonly string[]) {
    this.#names = names;
    this.#values = values;
  }

  /** Undefined if there is none. */
  of(name: string): string | undefined {
    const value = this.#values[this.#names.indexOf(name)];
    return value === "-" || value === "" ? undefined : value;
  }

  *entries(): Generator<[string, string]> {
    for (const [index, name] of this.#names.entries()) {
      const value = this.#values[index] ?? "-";
      if (value !== "-" && value !== "") yield [name, value];
    }
  }
}
