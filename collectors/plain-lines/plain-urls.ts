import type { PlainLinesMemory } from "./memory.ts";

/** The numbers of URLs, paths and queries in the columns of a batch. */
export type UrlParts = { pathOf: Uint32Array; queryOf: Uint32Array };

/** Splits plain URLs of a batch in the WebAssembly module of plain lines. */
export class PlainUrls {
  readonly #memory: PlainLinesMemory;
  readonly #split: (first: number, last: number) => number;

  constructor(memory: PlainLinesMemory, split: (first: number, last: number) => number) {
    this.#memory = memory;
    this.#split = split;
  }

  /**
   * Splits the URLs with the numbers [first, last] up to one that is not plain, and returns its number; that after the last one
   * if all are.
   */
  split(first: number, last: number, { pathOf, queryOf }: UrlParts): number {
    const memory = this.#memory;
    if (!memory.hasAll) return first;
    const next = this.#split(first, last);
    pathOf.set(memory.pathOf.subarray(first, next), first);
    queryOf.set(memory.queryOf.subarray(first, next), first);
    return next;
  }
}
