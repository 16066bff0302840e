const DATASETS_MAX = 10;
/** Senders name as many datasets as they like; those of more are not counted here. */
const COUNTED_MAX = 1_000;
const grouped = new Intl.NumberFormat("en");

/** The events by dataset, or by another name, of a stream, and of those before it at its path: a rotated log is still the same one. */
export class LineCounts {
  readonly #byDataset = new Map<string, number>();
  #next: LineCounts | undefined;

  add(dataset: string, events: number): void {
    if (events <= 0) return;
    const before = this.#byDataset.get(dataset);
    if (before === undefined && this.#byDataset.size >= COUNTED_MAX) return;
    this.#byDataset.set(dataset, (before ?? 0) + events);
    this.#next?.add(dataset, events);
  }

  addAll(other: LineCounts): void {
    for (const [dataset, events] of other.#byDataset) this.add(dataset, events);
  }

  /** Begins with the counts of the stream before, to which lines may still be written after the rotation. */
  continue(before: LineCounts): void {
    this.restore(before.stored);
    before.#next = this;
  }

  get isEmpty(): boolean {
    return this.#byDataset.size === 0;
  }

  /** Events by dataset, most first; undefined without events. */
  get datasets(): Record<string, number> | undefined {
    if (this.isEmpty) return undefined;
    const sorted = [...this.#byDataset].toSorted(([, a], [, b]) => b - a);
    return Object.fromEntries(sorted.slice(0, DATASETS_MAX));
  }

  /** To be stored with the position of the stream. */
  get stored(): string {
    return [...this.#byDataset].map(([dataset, events]) => `${dataset}=${events}`).join(",");
  }

  /** Adds stored counts. */
  restore(stored: string): void {
    for (const part of stored.split(",")) {
      const [dataset = "", events] = part.split("=");
      const before = this.#byDataset.get(dataset) ?? 0;
      if (Number(events) > 0) this.#byDataset.set(dataset, before + Number(events));
    }
  }

  /** Message for people: how its lines were recognised; undefined without events. */
  get note(): string | undefined {
    return this.isEmpty ? undefined : `events by dataset: ${this.list}`;
  }

  /** `nginx.access 1,200, nginx.error 3`, most events first. */
  get list(): string {
    const sorted = [...this.#byDataset].toSorted(([, a], [, b]) => b - a);
    return sorted.map(([dataset, events]) => `${dataset} ${grouped.format(events)}`).join(", ");
  }
}
