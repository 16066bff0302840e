import type {
  AggregateRequest,
  AggregateRow,
  CellsRequest,
  Extent,
  MergedCell,
  MetricReader,
} from "#pipeline/store/port.ts";

/** Small measures that a board always needs together: read with one query and then separated. */
const TOGETHER: readonly string[] = [
  "requests",
  "bytes",
  "latency",
  "sign-in",
  "sign-out",
  "instance",
];

/**
 * A store for one board load, in which several tiles share a read. Only for a single load, because it never reads
 * anything again.
 */
export function sharedReads(store: MetricReader): MetricReader {
  const cells = new Map<string, Promise<MergedCell[]>>();
  const rows = new Map<string, Promise<AggregateRow[]>>();
  let extents: Promise<Extent[]> | undefined;

  async function readCells(request: CellsRequest): Promise<MergedCell[]> {
    const { measures, ...rest } = request;
    const together = measures.every((measure) => TOGETHER.includes(measure));
    const wanted = together ? TOGETHER : measures;
    const found = await once(cells, JSON.stringify([wanted, rest]), () =>
      store.cells({ ...rest, measures: wanted }),
    );
    return together ? found.filter(({ measure }) => measures.includes(measure)) : found;
  }

  return {
    cells: readCells,
    aggregate: (request: AggregateRequest) =>
      once(rows, JSON.stringify(request), () => store.aggregate(request)),
    extents: () => (extents ??= store.extents()),
  };
}

function once<T>(answers: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const known = answers.get(key);
  if (known) return known;
  const pending = ask();
  answers.set(key, pending);
  return pending;
}
