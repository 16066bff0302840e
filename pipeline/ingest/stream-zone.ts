import type { Zone } from "#collectors/zone.ts";

/** The zone of the reader, in which the times of a stream that lack one are read; it is noted if there are any. */
export class StreamZone implements Zone {
  /** Whether lines had times without a zone. */
  isUsed = false;
  readonly #zone: Zone;

  constructor(zone: Zone) {
    this.#zone = zone;
  }

  get name(): string {
    return this.#zone.name;
  }

  eastMs(wallMs: number): number {
    this.isUsed = true;
    return this.#zone.eastMs(wallMs);
  }
}
