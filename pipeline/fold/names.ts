/** Names beyond the limit share this one, so that a flood of distinct names does not use memory. */
const OTHER = "{other}";
export const TABLE_NAMES_MAX = 4096;
const NAME_CHARS_MAX = 512;

/** Numbers for names: 0 is the empty name, and there are at most TABLE_NAMES_MAX. */
export class NameTable {
  #names: string[] = [""];
  readonly #numbers = new Map<string, number>([["", 0]]);

  number(name: string): number {
    const short = name.length > NAME_CHARS_MAX ? `${name.slice(0, NAME_CHARS_MAX)}…` : name;
    const known = this.#numbers.get(short);
    if (known !== undefined) return known;
    if (this.#names.length >= TABLE_NAMES_MAX - 1 && short !== OTHER) return this.number(OTHER);
    this.#numbers.set(short, this.#names.length);
    return this.#names.push(short) - 1;
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
