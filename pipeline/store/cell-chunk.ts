import type { RollupLevelS } from "../rollup.ts";

const BYTES_PER_CELL = 12;
const BYTES_PER_RUN = 16;
/** Memory overhead of a text or a small object. */
const OVERHEAD_BYTES = 128;

/** A cell of a rollup file; `t` is the start of its minute or hour, epoch s. */
export type StoredCell = {
  levelS: RollupLevelS;
  t: number;
  dataset: string;
  measure: string;
  key: string;
  value: number;
  sketch: Uint8Array | null;
};

/**
 * Cells of a measure at one level, in the order of their file, in about 12 bytes each: consecutive cells with the same
 * time and dataset form a run, which stores both once.
 */
export type CellChunk = {
  readonly levelS: RollupLevelS;
  readonly measure: string;
  /** For each run: its time (epoch s), the number of its dataset, and the index after its last cell. */
  readonly times: Float64Array;
  readonly datasetOfRun: Uint32Array;
  readonly endOfRun: Uint32Array;
  /** For each cell: the number of its key, its value, and its sketch, if any. */
  readonly keyOfCell: Uint32Array;
  readonly values: Float64Array;
  readonly sketches: ReadonlyMap<number, Uint8Array>;
  readonly datasets: readonly string[];
  readonly keys: readonly string[];
  /** Estimated memory usage. */
  readonly bytes: number;
};

/** Builds a chunk from cells of one measure and level in the order of their file. */
export class CellChunkBuilder {
  readonly #levelS: RollupLevelS;
  readonly #measure: string;
  readonly #times: number[] = [];
  readonly #datasetOfRun: number[] = [];
  readonly #endOfRun: number[] = [];
  readonly #keyOfCell: number[] = [];
  readonly #values: number[] = [];
  readonly #sketches = new Map<number, Uint8Array>();
  readonly #datasets = new Map<string, number>();
  readonly #keys = new Map<string, number>();
  #looseBytes = 8 * OVERHEAD_BYTES;

  constructor({ levelS, measure }: { levelS: RollupLevelS; measure: string }) {
    this.#levelS = levelS;
    this.#measure = measure;
  }

  get bytes(): number {
    const { length } = this.#values;
    return length * BYTES_PER_CELL + this.#times.length * BYTES_PER_RUN + this.#looseBytes;
  }

  add({ t, dataset, key, value, sketch }: StoredCell): void {
    const datasetNumber = this.#numberOf(this.#datasets, dataset);
    const last = this.#times.length - 1;
    if (this.#times[last] !== t || this.#datasetOfRun[last] !== datasetNumber) {
      this.#times.push(t);
      this.#datasetOfRun.push(datasetNumber);
      this.#endOfRun.push(this.#values.length);
    }
    if (sketch) {
      // A copy, because the original may be part of a much larger buffer.
      this.#sketches.set(this.#values.length, Uint8Array.from(sketch));
      this.#looseBytes += sketch.length + OVERHEAD_BYTES;
    }
    this.#keyOfCell.push(this.#numberOf(this.#keys, key));
    this.#endOfRun[this.#endOfRun.length - 1] = this.#values.push(value);
  }

  finish(): CellChunk {
    return {
      levelS: this.#levelS,
      measure: this.#measure,
      times: Float64Array.from(this.#times),
      datasetOfRun: Uint32Array.from(this.#datasetOfRun),
      endOfRun: Uint32Array.from(this.#endOfRun),
      keyOfCell: Uint32Array.from(this.#keyOfCell),
      values: Float64Array.from(this.#values),
      sketches: this.#sketches,
      datasets: [...this.#datasets.keys()],
      keys: [...this.#keys.keys()],
      bytes: this.bytes,
    };
  }

  #numberOf(names: Map<string, number>, name: string): number {
    let number = names.get(name);
    if (number === undefined) {
      number = names.size;
      names.set(name, number);
      this.#looseBytes += 2 * name.length + OVERHEAD_BYTES;
    }
    return number;
  }
}
