import { requiredTexts } from "./required-text.ts";

const GRAM = 3;

/** Parts of a text of this length, in lower case. */
export function gramsOf(text: string): string[] {
  const lower = text.toLowerCase();
  return Array.from({ length: Math.max(0, lower.length - GRAM + 1) }, (_, i) =>
    lower.slice(i, i + GRAM),
  );
}

/**
 * Finds the first of many expressions that matches a text. Only those of which a required part of three characters occurs are
 * tried, and those that require none.
 */
export class Expressions<Value> {
  readonly #all: readonly { expression: RegExp; value: Value }[];
  readonly #byGram = new Map<string, number[]>();
  readonly #always: number[] = [];

  constructor(all: readonly { expression: RegExp; value: Value }[]) {
    this.#all = all;
    const required = all.map(({ expression }) =>
      requiredTexts(expression.source).flatMap((text) => gramsOf(text)),
    );
    const counts = new Map<string, number>();
    for (const gram of required.flat()) counts.set(gram, (counts.get(gram) ?? 0) + 1);
    for (const [index, grams] of required.entries()) {
      const [rarest] = grams.toSorted((a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0));
      if (rarest === undefined) this.#always.push(index);
      else this.#byGram.set(rarest, [...(this.#byGram.get(rarest) ?? []), index]);
    }
  }

  /** `grams`: those of the text. */
  first(
    text: string,
    grams: readonly string[],
  ): { match: RegExpExecArray; value: Value } | undefined {
    const candidates = new Set(this.#always);
    for (const gram of grams)
      for (const index of this.#byGram.get(gram) ?? []) candidates.add(index);
    for (const index of [...candidates].toSorted((a, b) => a - b)) {
      const { expression, value } = this.#all[index]!;
      const match = expression.exec(text);
      if (match) return { match, value };
    }
    return undefined;
  }
}
