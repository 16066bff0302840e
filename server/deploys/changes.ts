import type { Change } from "#deployer/journal/port.ts";

/** Lets others wait for the next change of a deploy. */
export class Changes {
  readonly #waiting = new Map<string, Set<(version: number) => void>>();

  /** Resolves when the deploy has a higher version than `after`, or when the time is over. */
  async after(id: string, after: number, msMax: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(id) ?? new Set();
    const onVersion = (version: number): void => {
      if (version > after) resolve();
    };
    this.#waiting.set(id, waiting.add(onVersion));
    const timer = setTimeout(resolve, msMax);
    await promise;
    clearTimeout(timer);
    waiting.delete(onVersion);
    if (waiting.size === 0) this.#waiting.delete(id);
  }

  notify({ deploys = [] }: Change): void {
    for (const { id, version } of deploys) {
      for (const onVersion of this.#waiting.get(id) ?? []) onVersion(version);
    }
  }
}
