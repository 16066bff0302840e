import type { CellChunk } from "./cell-chunk.ts";
import { checkedStep } from "./check-request.ts";
import type { CellsRequest, MergedCell } from "./port.ts";

/** Answers a request from chunks, which may have more cells than needed, like `cellsSql` from files. */
export function mergeCells(chunks: readonly CellChunk[], request: CellsRequest): MergedCell[] {
  const found: MergedCell[] = [];
  for (const measure of new Set(request.measures)) {
    const merger = new Merger(request, measure);
    for (const chunk of chunks) {
      if (chunk.levelS === request.levelS && chunk.measure === measure) merger.add(chunk);
    }
    for (const cell of merger.cells) found.push(cell);
  }
  return found.toSorted((a, b) => a.tMs - b.tMs);
}

/** The cells of one bucket and dataset, by the number of their key. */
type Group = { tMs: number; dataset: string; cells: (MergedCell | undefined)[] };

/** Consecutive cells, their group, and the keys of their chunk. */
type Run = { start: number; end: number; keys: { name: string; number: number }[]; group: Group };

/** Sums the cells of a measure in the buckets of the request. */
class Merger {
  readonly cells: MergedCell[] = [];
  readonly #request: CellsRequest;
  readonly #measure: string;
  readonly #stepMs: number | undefined;
  readonly #keyNumbers = new Map<string, number>();
  readonly #groups = new Map<string, Map<number, Group>>();
  #last: Group | undefined;

  constructor(request: CellsRequest, measure: string) {
    this.#request = request;
    this.#measure = measure;
    this.#stepMs = request.stepMs === undefined ? undefined : checkedStep(request.stepMs);
  }

  add(chunk: CellChunk): void {
    const names = chunk.keys.map((key) => (this.#request.byKey === false ? "" : key));
    const keys = names.map((name) => ({ name, number: this.#numberOf(name) }));
    let end = 0;
    for (const [run, t] of chunk.times.entries()) {
      const start = end;
      end = chunk.endOfRun[run] ?? start;
      const dataset = chunk.datasets[chunk.datasetOfRun[run] ?? 0] ?? "";
      if (!this.#isWanted(t, dataset)) continue;
      this.#addRun(chunk, { start, end, keys, group: this.#groupAt(t, dataset) });
    }
  }

  #isWanted(t: number, dataset: string): boolean {
    const { fromMs, toMs, dataset: only } = this.#request;
    const isInRange = t >= Math.ceil(fromMs / 1000) && t < Math.ceil(toMs / 1000);
    return isInRange && (only === undefined || only === dataset);
  }

  #addRun(chunk: CellChunk, { start, end, keys, group }: Run): void {
    const { values, keyOfCell, sketches } = chunk;
    for (let i = start; i < end; i += 1) {
      const key = keys[keyOfCell[i] ?? 0];
      if (!key) continue;
      const cell = (group.cells[key.number] ??= this.#newCell(group, key.name));
      cell.value += values[i] ?? 0;
      const sketch = sketches.get(i);
      if (sketch) cell.sketches.push(sketch);
    }
  }

  #newCell({ tMs, dataset }: Group, key: string): MergedCell {
    const cell = { tMs, dataset, measure: this.#measure, key, value: 0, sketches: [] };
    this.cells.push(cell);
    return cell;
  }

  #groupAt(t: number, dataset: string): Group {
    const tMs = this.#bucketOf(t * 1000);
    const last = this.#last;
    if (last && last.tMs === tMs && last.dataset === dataset) return last;
    let groups = this.#groups.get(dataset);
    if (!groups) this.#groups.set(dataset, (groups = new Map()));
    let group = groups.get(tMs);
    if (!group) groups.set(tMs, (group = { tMs, dataset, cells: [] }));
    return (this.#last = group);
  }

  #bucketOf(ms: number): number {
    if (this.#stepMs === undefined) return Math.ceil(this.#request.fromMs);
    return Math.floor(ms / this.#stepMs) * this.#stepMs;
  }

  #numberOf(key: string): number {
    let number = this.#keyNumbers.get(key);
    if (number === undefined) this.#keyNumbers.set(key, (number = this.#keyNumbers.size));
    return number;
  }
}
