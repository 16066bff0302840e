/**
 * Texts that occur in whatever an expression matches, in lower case: its characters that are in no alternative, not optional and
 * no class. Empty if there are none.
 */
export function requiredTexts(expression: string): string[] {
  const reader = new Reader(expression);
  reader.sequence();
  return reader.texts;
}

const SPECIAL = /[.^$]/;
const OPTIONAL = /^(?:[?*]|\{)/;

class Reader {
  readonly texts: string[] = [];
  readonly #source: string;
  #at = 0;
  #text = "";

  constructor(source: string) {
    this.#source = source;
  }

  /** Reads up to the end, or to the parenthesis that closes the group. Alternatives require nothing. */
  sequence(): void {
    const first = this.texts.length;
    this.#end();
    while (this.#at < this.#source.length && this.#source[this.#at] !== ")") {
      if (this.#source[this.#at] === "|") {
        this.#at += 1;
        this.#skipRest();
        this.#text = "";
        this.texts.length = first;
        return;
      }
      this.#part();
    }
    this.#end();
  }

  #part(): void {
    const character = this.#source[this.#at] ?? "";
    if (character === "(") return this.#group();
    if (character === "[") return this.#class();
    if (character === "\\") return this.#escaped();
    this.#at += 1;
    if (SPECIAL.test(character)) this.#end();
    else this.#add(character);
    return this.#quantifier();
  }

  #group(): void {
    const isPlain = !/^\(\?(?!:)/.test(this.#source.slice(this.#at));
    this.#at += this.#source.startsWith("(?:", this.#at) ? 3 : 1;
    this.#end();
    const before = this.texts.length;
    this.sequence();
    this.#at += 1;
    if (!isPlain || OPTIONAL.test(this.#rest)) this.texts.length = before;
    this.#quantifier();
  }

  #class(): void {
    this.#end();
    this.#at += 1;
    if (this.#source[this.#at] === "^") this.#at += 1;
    if (this.#source[this.#at] === "]") this.#at += 1;
    while (this.#at < this.#source.length && this.#source[this.#at] !== "]") {
      this.#at += this.#source[this.#at] === "\\" ? 2 : 1;
    }
    this.#at += 1;
    this.#quantifier();
  }

  #escaped(): void {
    const character = this.#source[this.#at + 1] ?? "";
    this.#at += 2;
    // A class, a boundary or a reference.
    if (/[A-Za-z0-9]/.test(character)) this.#end();
    else this.#add(character);
    this.#quantifier();
  }

  #quantifier(): void {
    const found = /^(?:[?*+]|\{[\d,]*\})\??/.exec(this.#rest)?.[0];
    if (found === undefined) return;
    if (OPTIONAL.test(found)) this.#text = this.#text.slice(0, -1);
    this.#at += found.length;
    this.#end();
  }

  #skipRest(): void {
    while (this.#at < this.#source.length && this.#source[this.#at] !== ")") {
      if (this.#source[this.#at] === "|") this.#at += 1;
      else this.#part();
    }
  }

  get #rest(): string {
    return this.#source.slice(this.#at, this.#at + 16);
  }

  #add(character: string): void {
    this.#text += character.toLowerCase();
  }

  #end(): void {
    if (this.#text !== "") this.texts.push(this.#text);
    this.#text = "";
  }
}
