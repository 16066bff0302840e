import { Batch } from "#collectors/batch.ts";
import type { TextField } from "#collectors/fields.ts";
import { FrameAccumulator } from "#pipeline/fold/accumulator.ts";
import type { EventStore } from "#pipeline/store/port.ts";

const ROWS_PER_SEGMENT = 131_072;
const ROUTES = 120;
const VISITORS = 20_000;
const AGENTS = 60;
const DAY_MS = 86_400_000;

/** A small, fast, seeded generator (xorshift32), so that every run has the same data. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

type Fill = {
  rows: number;
  fromMs: number;
  toMs: number;
  /** The path of the requests to a section. */
  pathOf?: (section: number) => string;
  /** Number of distinct queries for each path. */
  pages?: number;
};

/** Fills the store with `rows` requests over the time before `toMs`, along a daily curve, in order of time. */
export async function fillStore(
  store: EventStore,
  { rows, fromMs, toMs, pathOf = (section) => `/section-${section}/item`, pages = 500 }: Fill,
  onProgress: (done: number) => void,
): Promise<void> {
  const batch = new Batch(ROWS_PER_SEGMENT);
  const frames = new FrameAccumulator(batch);
  const random = seeded(42);
  const sections = Array.from({ length: ROUTES }, (_, section) => ({
    path: pathOf(section),
    urls: Array.from({ length: pages }, (_page, page) => `${pathOf(section)}?page=${page}`),
  }));
  for (let done = 0; done < rows;) {
    const count = Math.min(ROWS_PER_SEGMENT, rows - done);
    const write = rowWriter(batch, sections, random);
    for (let i = 0; i < count; i += 1) {
      const share = (done + i) / rows;
      const wave = Math.sin((2 * Math.PI * share * (toMs - fromMs)) / DAY_MS) / 20;
      write(
        fromMs + Math.min(1, Math.max(0, share + wave * share * (1 - share))) * (toMs - fromMs - 1),
        done + i,
      );
    }
    frames.fold(0, count, false);
    await store.append(
      batch,
      frames.takeCells(),
      new Map([["src_bench", { offset: done + count }]]),
    );
    batch.reset();
    frames.reset();
    done += count;
    onProgress(done);
  }
}

/** The line of a row, in the combined format with a time in ISO. */
function lineOf(batch: Batch, row: number): string {
  const text = (name: TextField): string => {
    const column = batch.text(name);
    return column.text(column.ids[row] ?? 0);
  };
  const time = new Date(batch.number("@timestamp").values[row] ?? 0).toISOString();
  const status = batch.number("http.response.status_code").values[row];
  const bytes = batch.number("http.response.body.bytes").values[row];
  return `${text("source.address")} - - [${time}] "${text("http.request.method")} ${text("url.original")} HTTP/1.1" ${status} ${bytes} "-" "${text("user_agent.original")}"`;
}

type Section = { path: string; urls: readonly string[] };

function rowWriter(
  batch: Batch,
  sections: readonly Section[],
  random: () => number,
): (tMs: number, offset: number) => void {
  const texts = {
    dataset: batch.text("data_stream.dataset"),
    source: batch.text("log.source.id"),
    method: batch.text("http.request.method"),
    url: batch.text("url.original"),
    path: batch.text("url.path"),
    route: batch.text("http.route"),
    address: batch.text("source.address"),
    agent: batch.text("user_agent.original"),
    instance: batch.text("service.node.name"),
    action: batch.text("event.action"),
  };
  // Interned once, because texts may be long.
  const interned = sections.map(({ path, urls }) => ({
    pathId: texts.path.internText(path),
    urlIds: urls.map((url) => texts.url.internText(url)),
  }));
  const time = batch.number("@timestamp");
  const offsets = batch.number("log.offset");
  const status = batch.number("http.response.status_code");
  const bytes = batch.number("http.response.body.bytes");
  const duration = batch.number("event.duration");
  return (tMs, offset) => {
    const { rows: row } = batch;
    const route = Math.floor(random() ** 2 * sections.length);
    const { pathId, urlIds } = interned[route] ?? { pathId: 0, urlIds: [] };
    const visitor = Math.floor(random() ** 2 * VISITORS);
    const luck = random();
    time.put(row, Math.floor(tMs));
    offsets.put(row, offset);
    texts.dataset.putText(row, "nginx.access");
    texts.source.putText(row, "src_bench");
    texts.method.putText(row, luck < 0.85 ? "GET" : "POST");
    texts.url.ids[row] = urlIds[Math.floor(luck * urlIds.length)] ?? 0;
    texts.path.ids[row] = pathId;
    texts.route.putText(row, `/section-${route}/item`);
    texts.address.putText(row, `10.${visitor >> 14}.${(visitor >> 7) & 127}.${visitor & 127}`);
    texts.agent.putText(row, `Agent/${visitor % AGENTS}.0 (Machine; System ${visitor % 7})`);
    texts.instance.putText(row, `web-${1 + (visitor % 4)}`);
    if (luck > 0.995) texts.action.putText(row, luck > 0.9975 ? "user-sign-in" : "user-sign-out");
    status.put(row, luck < 0.006 ? 502 : luck < 0.03 ? 404 : 200);
    bytes.put(row, Math.floor(500 + luck * 20_000));
    const line = Buffer.from(lineOf(batch, row));
    batch.lines.put(row, line, 0, line.length);
    duration.put(row, Math.floor(1e6 * Math.exp(3 + 1.2 * (random() + random() - 1))));
    batch.commit();
  };
}
