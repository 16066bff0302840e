import type { Batch } from "#collectors/batch.ts";
import type { SourceId } from "#collectors/source.ts";

import { parseQuery } from "../query-language.ts";
import { combinedHash, stableHash } from "../sketches/stable-hash.ts";
import { datasetMatcher, isOwnDataset, type Processing } from "./processing.ts";
import { type RowTest, rowTest } from "./row-test.ts";

/** Of the events that match, one of `keepOneIn` is kept; none if it is undefined. */
type Rule = {
  name: string;
  hasDataset(dataset: string): boolean;
  where: RowTest;
  keepOneIn: number | undefined;
};

/** The number of events that were dropped, by the name of the rule. */
export type DroppedByRule = Map<string, number>;

const NONE: readonly Rule[] = [];

/**
 * Drops and samples rows of a batch by rules, and counts what it drops. The first rule that matches an event decides. Which events
 * of a sample are kept depends on their source and offset only: after a restart, the same ones.
 */
export class EventDropper {
  readonly #batch: Batch;
  readonly #rules: readonly Rule[];
  /** The rules of each dataset, by its number. */
  readonly #byDataset: (readonly Rule[])[] = [NONE];
  /** Hashes of the ids of sources, by their number. */
  readonly #sourceHashes: number[] = [0];
  #hasDropped = false;
  /** By source, since `takeDropped`. */
  #dropped = new Map<SourceId, DroppedByRule>();

  constructor(batch: Batch, { drop, sample }: Pick<Processing, "drop" | "sample">) {
    this.#batch = batch;
    this.#rules = [...drop.map((it) => ({ ...it, keepOneIn: undefined })), ...sample].map(
      ({ name, datasets, where, keepOneIn }) => ({
        name,
        hasDataset: datasetsOf(datasets),
        where: rowTest(batch, parseQuery(where)),
        keepOneIn,
      }),
    );
  }

  /** Whether rows of this batch were dropped, whose values may be in its dictionaries. */
  get hasDropped(): boolean {
    return this.#hasDropped;
  }

  /** Drops rows of [fromRow, rows), which have to be the last ones. */
  drop(fromRow: number): void {
    const { rows } = this.#batch;
    const datasets = this.#batch.text("data_stream.dataset");
    for (let id = this.#byDataset.length; id <= datasets.size; id += 1) {
      const dataset = datasets.text(id);
      this.#byDataset[id] = this.#rules.filter(({ hasDataset }) => hasDataset(dataset));
    }
    if (this.#byDataset.every((rules) => rules.length === 0)) return;
    const kept = new Uint32Array(rows - fromRow);
    let count = 0;
    for (let row = fromRow; row < rows; row += 1) {
      const rules = this.#byDataset[datasets.ids[row] ?? 0] ?? NONE;
      const rule = rules.find(({ where }) => where.test(row));
      if (!rule || this.#isSampled(rule, row)) {
        kept[count] = row;
        count += 1;
      } else this.#count(rule, row);
    }
    if (count === kept.length) return;
    this.#hasDropped = true;
    this.#batch.keep(fromRow, kept.subarray(0, count));
  }

  /** The numbers of events that were dropped since the last call. */
  takeDropped(): ReadonlyMap<SourceId, DroppedByRule> {
    const dropped = this.#dropped;
    if (dropped.size > 0) this.#dropped = new Map();
    return dropped;
  }

  #isSampled({ keepOneIn }: Rule, row: number): boolean {
    if (keepOneIn === undefined) return false;
    const sources = this.#batch.text("log.source.id");
    const source = sources.ids[row] ?? 0;
    for (let id = this.#sourceHashes.length; id <= source; id += 1) {
      this.#sourceHashes[id] = stableHash(sources.bytes(id));
    }
    const offset = this.#batch.number("log.offset").values[row] ?? 0;
    const high = Math.floor(offset / 2 ** 32);
    const hash = combinedHash(combinedHash(this.#sourceHashes[source] ?? 0, high), offset | 0);
    return hash % keepOneIn === 0;
  }

  #count({ name }: Rule, row: number): void {
    const sources = this.#batch.text("log.source.id");
    const source = sources.ids[row] ?? 0;
    const id: SourceId = `src_${source === 0 ? "" : sources.text(source).slice("src_".length)}`;
    let byRule = this.#dropped.get(id);
    if (!byRule) this.#dropped.set(id, (byRule = new Map()));
    byRule.set(name, (byRule.get(name) ?? 0) + 1);
  }

  /** To be called after the batch was reset. */
  reset(): void {
    this.#byDataset.length = 1;
    this.#sourceHashes.length = 1;
    this.#hasDropped = false;
    for (const { where } of this.#rules) where.reset();
  }
}

/** Lines that no format can parse are never dropped. */
function datasetsOf(patterns: readonly string[]): (dataset: string) => boolean {
  const has = datasetMatcher(patterns);
  return (dataset) => !isOwnDataset(dataset) && has(dataset);
}
