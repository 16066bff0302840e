import type { Accumulator } from "../measures/measure.ts";
import { OTHER } from "../sketches/heavy-hitters.ts";
import {
  isInWindow,
  type LivePart,
  type LiveState,
  MINUTE_WINDOW_S,
  type NameWindow,
} from "./live-part.ts";
import { NameGranules } from "./name-granules.ts";

export const INSTANCES_WINDOW: NameWindow = { namesMax: 200, granuleS: 10 };

/** Collects distinct names, with their requests. */
export class NameSet implements Accumulator {
  readonly names = new Map<string, number>();

  get size(): number {
    return this.names.size;
  }

  add(name: string, requests: number): void {
    if (name !== OTHER) this.names.set(name, (this.names.get(name) ?? 0) + requests);
  }

  merge(other: NameSet): void {
    for (const [name, requests] of other.names) this.add(name, requests);
  }
}

/** Names of the last minute, e.g. of instances that answered: of very many names, those with the most requests. */
export class RecentNames implements LiveState<NameSet> {
  /** By name and second. */
  readonly #granules = new NameGranules(INSTANCES_WINDOW, MINUTE_WINDOW_S);

  /** `numbers` has triples of a second's index, a name's index, requests. */
  merge({ numbers, names = [] }: LivePart, seconds: Uint32Array, nowS: number): void {
    for (let i = 0; i < numbers.length; i += 3) {
      const second = seconds[numbers[i]!]!;
      if (!isInWindow(second, nowS, MINUTE_WINDOW_S)) continue;
      const name = names[numbers[i + 1]!] ?? "";
      this.#granules.at(second, nowS)?.add(name, second, numbers[i + 2]!);
    }
  }

  counted(nowS: number): NameSet {
    const recent = new NameSet();
    for (const counts of this.#granules.recent(nowS)) {
      counts.each((name, second, requests) => {
        if (isInWindow(second, nowS, MINUTE_WINDOW_S)) recent.add(name, requests);
      });
    }
    return recent;
  }
}
