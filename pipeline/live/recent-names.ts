import type { Accumulator } from "../measures/measure.ts";
import { isInWindow, type LivePart, type LiveState, MINUTE_WINDOW_S } from "./live-part.ts";

const RECENT_NAMES_MAX = 200;
const NAME_CHARS_MAX = 80;

/** Collects distinct names. */
export class NameSet implements Accumulator {
  readonly names = new Set<string>();

  get size(): number {
    return this.names.size;
  }

  add(name: string): void {
    this.names.add(name);
  }

  merge(other: NameSet): void {
    for (const name of other.names) this.names.add(name);
  }
}

/** Names of the last minute, e.g. of instances that answered. */
export class RecentNames implements LiveState<NameSet> {
  /** The last second of each name. */
  readonly #seconds = new Map<string, number>();

  /** `numbers` has triples of a second's index, a name's index, requests. */
  merge({ numbers, names = [] }: LivePart, seconds: Uint32Array, nowS: number): void {
    for (let i = 0; i < numbers.length; i += 3) {
      const second = seconds[numbers[i]!]!;
      const name = names[numbers[i + 1]!] ?? "";
      if (isInWindow(second, nowS, MINUTE_WINDOW_S)) this.#add(name, second, nowS);
    }
  }

  counted(nowS: number): NameSet {
    const recent = new NameSet();
    for (const [name, second] of this.#seconds) {
      if (isInWindow(second, nowS, MINUTE_WINDOW_S)) recent.add(name);
    }
    return recent;
  }

  #add(name: string, second: number, nowS: number): void {
    if (this.#seconds.size >= RECENT_NAMES_MAX) {
      for (const [known, last] of this.#seconds) {
        if (!isInWindow(last, nowS, MINUTE_WINDOW_S)) this.#seconds.delete(known);
      }
      if (this.#seconds.size >= RECENT_NAMES_MAX) return;
    }
    const short = name.slice(0, NAME_CHARS_MAX);
    const known = this.#seconds.get(short) ?? 0;
    const isKept = known > second && isInWindow(known, nowS, MINUTE_WINDOW_S);
    if (!isKept) this.#seconds.set(short, second);
  }
}
