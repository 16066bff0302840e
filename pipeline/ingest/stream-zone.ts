import type { Zone } from "#collectors/zone.ts";

/** Lines of one writer have two offsets at most, those of summer and winter. */
const HEADER_ZONES_MAX = 4;
const MINUTE_MS = 60_000;

/** How the times of a stream that lack a zone were read. */
export type ZoneUse = {
  /** The zone of the reader; empty if it was not needed. */
  zone: string;
  /** The offsets in syslog headers that such times were read with: `+01:00`. */
  headerZones: readonly string[];
};

/** The zone of the reader, in which the times of a stream that lack one are read; it is noted if there are any. */
export class StreamZone implements Zone {
  /** Whether lines had times without a zone, and no offset in a header. */
  isUsed = false;
  readonly #zone: Zone;
  readonly #headerZones = new Set<string>();
  readonly #ofHeaders = new Map<number, Zone>();

  constructor(zone: Zone) {
    this.#zone = zone;
  }

  get name(): string {
    return this.#zone.name;
  }

  get use(): ZoneUse {
    return { zone: this.isUsed ? this.name : "", headerZones: [...this.#headerZones] };
  }

  /** Continues with what was stored. */
  restore({ zone, headerZones }: ZoneUse): void {
    this.isUsed = zone !== "";
    for (const name of headerZones) this.#headerZones.add(name);
  }

  eastMs(wallMs: number): number {
    this.isUsed = true;
    return this.#zone.eastMs(wallMs);
  }

  /** The zone of lines whose header has this offset, which is noted if a time is read in it. */
  ofHeader(eastMs: number): Zone {
    let zone = this.#ofHeaders.get(eastMs);
    if (zone) return zone;
    const name = offsetName(eastMs);
    zone = {
      name,
      eastMs: () => {
        if (this.#headerZones.size < HEADER_ZONES_MAX) this.#headerZones.add(name);
        return eastMs;
      },
      ofHeader: (other) => this.ofHeader(other),
    };
    if (this.#ofHeaders.size < HEADER_ZONES_MAX) this.#ofHeaders.set(eastMs, zone);
    return zone;
  }
}

function offsetName(eastMs: number): string {
  const minutes = Math.round(Math.abs(eastMs) / MINUTE_MS);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60].map((n) =>
    `${n}`.padStart(2, "0"),
  );
  return `${eastMs < 0 ? "-" : "+"}${hours}:${rest}`;
}
