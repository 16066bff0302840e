import { appendFile, copyFile, mkdtemp, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";

import { Batch } from "#collectors/batch.ts";
import type { Source } from "#collectors/source.ts";
import { fileSource } from "#collectors/sources/files.ts";
import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { openMemoryStore } from "../store/memory-store.ts";
import type { EventStore } from "../store/port.ts";
import { Ingest } from "./ingest.ts";
import { logSource } from "./testing-source.ts";

const PATH = "/srv/site/requests.log";
const DEPS = {
  clock: systemClock,
  rules: { signIn: [], signOut: [] },
  zone: UTC,
  sealAfterMs: 60_000,
  foldEveryMs: 60_000,
};

const time = (i: number): string =>
  `14/Mar/2026:10:${String(Math.floor(i / 60) % 60).padStart(2, "0")}:${String(i % 60).padStart(2, "0")} +0000`;
/** Lines that nginx and Apache both write. */
const combined = (i: number): string =>
  `203.0.113.9 - - [${time(i)}] "GET /${i} HTTP/1.1" 200 5 "-" "Probe/1.0"`;
/** Lines that only Apache writes: a dash for no bytes. */
const apache = (i: number): string =>
  `203.0.113.9 - - [${time(i)}] "GET /${i} HTTP/1.1" 304 - "-" "Probe/1.0"`;
const document = (i: number): string =>
  `{"@timestamp":"2026-03-14T10:00:00Z","message":"${i}","log.level":"info"}`;
const error = (i: number): string =>
  `2026/03/14 10:11:${String(i % 60).padStart(2, "0")} [error] 12#34: *${i} failed\n  at step ${i}`;
const trace = (i: number): string => `\tat com.example.Shop.step${i}(Shop.java:${i})`;
const many = (count: number, line: (i: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => line(i));
const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

/** A source that yields the log from the stored position on, split after the given offsets. */
const sourceOf = (log: string, cuts?: readonly number[]): Source =>
  logSource({ path: PATH }, log, cuts);

async function ingest(store: EventStore, source: Source): Promise<string> {
  const run = new Ingest({ ...DEPS, store });
  await run.run(source, new AbortController().signal);
  const [status] = run.statusWith([{ path: PATH, level: "info", message: "read" }]);
  return `${status?.level}: ${status?.message}`;
}

/** The number of events by dataset. */
async function counts(store: EventStore): Promise<Record<string, number>> {
  return Object.fromEntries((await store.extents()).map(({ dataset, rows }) => [dataset, rows]));
}

async function stored(store: EventStore) {
  const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, where: [], limit: 10_000 };
  const found = (await store.search(all)).map(({ fields }) => fields);
  return found.toSorted((a, b) => Number(a["log.offset"]) - Number(b["log.offset"]));
}

/** Offsets at which lines begin, as cuts for `sourceOf`. */
const lineStarts = (log: string): number[] =>
  [...log.matchAll(/\n/g)].map(({ index }) => index + 1);

const cutsOf = (log: string): fc.Arbitrary<number[]> =>
  fc.oneof(
    fc.constant<number[]>([]),
    fc.constant(lineStarts(log)),
    fc.subarray(lineStarts(log), { maxLength: 12 }),
  );

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-formats-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function ingestFiles(store: EventStore, paths: readonly string[]): Promise<string[]> {
  await using source = fileSource({ paths: [...paths], follow: false, clock: systemClock });
  const run = new Ingest({ ...DEPS, store });
  await run.run(source, new AbortController().signal);
  return run.statusWith(source.status()).map(({ message }) => message);
}

test("an Apache log stays one dataset when reading continues at lines that nginx writes too", async () => {
  await using store = openMemoryStore()();
  const first = text(many(50, apache));
  await ingest(store, sourceOf(first));
  await ingest(store, sourceOf(first + text(many(200, combined))));
  expect(await counts(store)).toEqual({ "apache.access": 250 });
});

test("a restart at any line changes neither events nor datasets", async () => {
  const log = text([...many(20, apache), ...many(40, combined), ...many(5, trace)]);
  await fc.assert(
    fc.asyncProperty(fc.subarray(lineStarts(log).slice(19), { maxLength: 4 }), async (stops) => {
      await using store = openMemoryStore()();
      for (const stop of [...stops, log.length]) await ingest(store, sourceOf(log.slice(0, stop)));
      expect(await counts(store)).toEqual({ "apache.access": 60, "quarterdeck.quarantine": 5 });
      const offsets = (await stored(store)).map((fields) => fields["log.offset"]);
      expect(offsets).toEqual([0, ...lineStarts(log).slice(0, -1)]);
    }),
    { numRuns: 20 },
  );
});

const ROTATIONS: [string, (log: string) => Promise<void>][] = [
  ["renamed", (log) => rename(log, `${log}.1`)],
  [
    "copied and truncated",
    async (log) => {
      await copyFile(log, `${log}.1`);
      await truncate(log);
    },
  ],
];

test.each(ROTATIONS)(
  "a log that was %s keeps its format, also if the new file begins with a stack trace",
  async (_how, rotate) => {
    const log = join(await temporaryFolder(), "site.log");
    await using store = openMemoryStore()();
    await writeFile(log, text(many(50, apache)));
    await ingestFiles(store, [log]);
    await rotate(log);
    await appendFile(log, text([...many(300, trace), ...many(100, combined)]));
    await ingestFiles(store, [log]);
    expect(await counts(store)).toEqual({ "apache.access": 150, "quarterdeck.quarantine": 300 });
  },
);

test.each(ROTATIONS)(
  "the counts of a log that was %s continue, also while it is followed",
  async (_how, rotate) => {
    const log = join(await temporaryFolder(), "site.log");
    await using store = openMemoryStore()();
    await writeFile(log, text(many(50, apache)));
    const [first] = await ingestFiles(store, [log]);
    expect(first).toContain("events by dataset: apache.access 50");
    await rotate(log);
    await writeFile(log, text(many(20, (i) => apache(i + 1_000))));
    const [second] = await ingestFiles(store, [log]);
    expect(second).toContain("events by dataset: apache.access 70");
    await using source = fileSource({ paths: [log], follow: true, clock: systemClock });
    const stop = new AbortController();
    const run = new Ingest({ ...DEPS, store });
    const ended = run.run(source, stop.signal);
    const shown = (): string => run.statusWith(source.status())[0]?.message ?? "";
    await appendFile(log, text(many(10, (i) => apache(i + 2_000))));
    await expect.poll(shown, { timeout: 20_000 }).toContain("apache.access 80");
    await rm(`${log}.1`);
    await rotate(log);
    await writeFile(log, text(many(7, (i) => apache(i + 3_000))));
    await expect.poll(shown, { timeout: 20_000 }).toContain("apache.access 87");
    stop.abort();
    await ended;
    const [last] = await ingestFiles(store, [log]);
    expect(last).toContain("events by dataset: apache.access 87");
    expect(await counts(store)).toEqual({ "apache.access": 87 });
  },
  60_000,
);

test("lines that are written to a file after its rotation count for the log too, and a rotated file has its own count", async () => {
  const folder = await temporaryFolder();
  const [log, rotated] = [join(folder, "site.log"), join(folder, "site.log.1")];
  await using store = openMemoryStore()();
  await writeFile(log, text(many(50, apache)));
  await using source = fileSource({ paths: [`${log}*`], follow: true, clock: systemClock });
  const stop = new AbortController();
  const run = new Ingest({ ...DEPS, store });
  const ended = run.run(source, stop.signal);
  const shown = (path: string): string =>
    run.statusWith(source.status()).find((one) => one.path === path)?.message ?? "";
  await expect.poll(() => shown(log), { timeout: 20_000 }).toContain("apache.access 50");
  await rename(log, rotated);
  await writeFile(log, text(many(20, (i) => apache(i + 1_000))));
  await expect.poll(() => shown(log), { timeout: 20_000 }).toContain("apache.access 70");
  await appendFile(rotated, text(many(5, (i) => apache(i + 2_000))));
  await expect.poll(() => shown(log), { timeout: 20_000 }).toContain("apache.access 75");
  expect(shown(rotated)).toContain("apache.access 55");
  stop.abort();
  await ended;
}, 60_000);

test("files that were rotated while nothing was read have the format of their log", async () => {
  const log = join(await temporaryFolder(), "site.log");
  await using store = openMemoryStore()();
  await writeFile(log, text(many(50, apache)));
  await ingestFiles(store, [log]);
  await rename(log, `${log}.2`);
  await writeFile(`${log}.1`, text(many(30, (i) => combined(i + 1_000))));
  await writeFile(log, text(many(20, (i) => combined(i + 2_000))));
  await ingestFiles(store, [`${log}*`]);
  expect(await counts(store)).toEqual({ "apache.access": 100 });
});

test("a process that takes over a stream continues with its format", async () => {
  await using store = openMemoryStore()();
  const before = text(many(50, apache));
  const log = before + text(many(50, combined));
  const source: Source = {
    async *read(positions, signal) {
      await positions();
      // Meanwhile another process reads the first lines.
      await ingest(store, sourceOf(before));
      yield* sourceOf(log).read(positions, signal);
    },
  };
  await ingest(store, source);
  expect(await counts(store)).toEqual({ "apache.access": 100 });
});

test("lines that are held until their format is known are read again by the process that takes over", async () => {
  await using store = openMemoryStore()();
  const head = text(many(40, trace));
  const source: Source = {
    async *read(positions, signal) {
      yield* sourceOf(head).read(positions, signal);
      yield { revoked: "src_test" };
    },
  };
  await ingest(store, source);
  expect([await counts(store), (await store.positions()).size]).toEqual([{}, 0]);
  await ingest(store, sourceOf(head + text(many(60, apache))));
  expect(await counts(store)).toEqual({ "apache.access": 60, "quarterdeck.quarantine": 40 });
});

test("positions of earlier versions have no format: it is detected", async () => {
  await using store = openMemoryStore()();
  const before = text(many(10, combined));
  await store.append(new Batch(1), [], new Map([["src_test", { offset: before.length }]]));
  await ingest(store, sourceOf(before + text(many(30, apache))));
  expect(await counts(store)).toEqual({ "apache.access": 30 });
});

test.each([
  ["one line of 100 kB", ["x".repeat(100_000)]],
  ["a stack trace", many(400, trace)],
  ["notices of another program", many(12, (i) => error(i).split("\n")[0] ?? "")],
  ["a banner", ["Shop 4.2", "=========", "(c) Example"]],
])(
  "%s at the head quarantines none of the lines behind it, wherever chunks begin",
  async (_name, head) => {
    const log = text([...head, ...many(300, apache)]);
    await fc.assert(
      fc.asyncProperty(cutsOf(log), async (cuts) => {
        await using store = openMemoryStore()();
        await ingest(store, sourceOf(log, cuts));
        const found = await counts(store);
        expect(found["apache.access"]).toBe(300);
        expect(Object.values(found).reduce((sum, rows) => sum + rows, 0)).toBe(300 + head.length);
      }),
      { numRuns: 8 },
    );
  },
);

test("a log with long lines only is recognised", async () => {
  const long = (i: number): string =>
    JSON.stringify({ "@timestamp": "2026-03-14T10:00:00Z", message: `${i} ${"y".repeat(90_000)}` });
  const log = text(many(12, long));
  for (const cuts of [[], lineStarts(log)]) {
    await using store = openMemoryStore()();
    await ingest(store, sourceOf(log, cuts));
    expect(await counts(store)).toEqual({ ecs: 12 });
  }
});

test("lines that no format parses are quarantined once, with the reason, when the source ends", async () => {
  const log = text(many(30, trace));
  await using store = openMemoryStore()();
  await ingest(store, sourceOf(log, lineStarts(log)));
  const found = await stored(store);
  expect(found.map((fields) => fields["event.original"])).toEqual(many(30, trace));
  expect(found[0]?.["error.message"]).toMatch(/unknown format/);
  const [position] = (await store.positions()).values();
  expect(position).toEqual({ offset: log.length });
});

test.each([
  { name: "lines", from: combined, to: document, datasets: ["nginx.access", "ecs"] },
  { name: "events to lines", from: error, to: combined, datasets: ["nginx.error", "nginx.access"] },
  { name: "lines to events", from: combined, to: error, datasets: ["nginx.access", "nginx.error"] },
])(
  "a change of the format costs no line wherever chunks begin, and the status has the counts: $name",
  async ({ name, from, to, datasets: [before = "", after = ""] }) => {
    const log = text([...many(500, from), ...many(500, to)]);
    await fc.assert(
      fc.asyncProperty(fc.subarray(lineStarts(log), { maxLength: 12 }), async (cuts) => {
        await using store = openMemoryStore()();
        const status = await ingest(store, sourceOf(log, cuts));
        expect(await counts(store)).toEqual({ [before]: 500, [after]: 500 });
        expect(status).toMatch(
          /^info: read; events by dataset: \S+ 500, \S+ 500(?:; times without a zone are read as UTC \(QUARTERDECK_TIMEZONE overrides it\))?$/,
        );
        if (name === "lines") {
          const offsets = (await stored(store)).map((fields) => fields["log.offset"]);
          expect(offsets).toEqual([0, ...lineStarts(log).slice(0, -1)]);
        }
        await ingest(store, sourceOf(log + text([to(7)])));
        expect((await counts(store))[after]).toBe(501);
      }),
      { numRuns: 8 },
    );
  },
);

test("blocks of two formats are all read, wherever chunks begin", async () => {
  for (const lines of [3, 150, 1_000]) {
    await using store = openMemoryStore()();
    const log = many(10, (i) => text(many(lines, i % 2 === 0 ? combined : document))).join("");
    const cuts = lineStarts(log).filter((_, i) => i % 10 === 9);
    await ingest(store, sourceOf(log, cuts));
    expect(await counts(store)).toEqual({ "nginx.access": 5 * lines, ecs: 5 * lines });
  }
});

/** A line of any kind with its dataset. */
const mixedLine = fc.constantFrom(
  { line: combined(1), dataset: "nginx.access" },
  { line: "2026/03/14 10:11:12 [notice] 1#1: start worker process 29", dataset: "nginx.error" },
  { line: "2026/03/14 10:11:12 [error] 12#34: *5 PHP message: failed", dataset: "nginx.error" },
  { line: document(3), dataset: "ecs" },
);

test("in any mixture of formats each line is an event of its own format, also over restarts", async () => {
  const mixture = fc.array(mixedLine, { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(mixture, fc.nat(), fc.nat(), async (lines, cut, stop) => {
      const log = text(lines.map(({ line }) => line));
      const starts = lineStarts(log);
      const [from = 0, to = 0] = [stop, cut].map((n) => starts[n % starts.length] ?? 0);
      await using store = openMemoryStore()();
      await ingest(store, sourceOf(log.slice(0, from)));
      await ingest(store, sourceOf(log, [to]));
      const datasets = (await stored(store)).map((fields) => fields["data_stream.dataset"]);
      expect(datasets).toEqual(lines.map(({ dataset }) => dataset));
    }),
    { numRuns: 20 },
  );
});

test("access lines do not continue the notice before them: what the nginx image writes to its standard output", async () => {
  const entrypoint = many(
    5,
    (i) => `/docker-entrypoint.sh: Launching /docker-entrypoint.d/${i}.sh`,
  );
  const notices = many(8, (i) => `2026/03/14 10:00:00 [notice] 1#1: start worker process ${i}`);
  const log = text([...entrypoint, ...notices, ...many(1_000, combined)]);
  for (const cuts of [[], lineStarts(log)]) {
    await using store = openMemoryStore()();
    const status = await ingest(store, sourceOf(log, cuts));
    expect(await counts(store)).toEqual({
      "nginx.access": 1_000,
      "nginx.error": 8,
      "quarterdeck.quarantine": 5,
    });
    expect(status).toContain(
      "events by dataset: nginx.access 1,000, nginx.error 8, quarterdeck.quarantine 5",
    );
  }
});

test("a continuation belongs to the error event before it, also if access lines are the main format", async () => {
  const log = text([...many(50, combined), error(1), ...many(50, combined), error(2)]);
  for (const cuts of [[], lineStarts(log)]) {
    await using store = openMemoryStore()();
    await ingest(store, sourceOf(log, cuts));
    expect(await counts(store)).toEqual({ "nginx.access": 100, "nginx.error": 2 });
    const errors = (await stored(store)).filter((it) => it["log.level"] === "error");
    expect(errors.map((it) => it["message"])).toEqual([
      "failed\n  at step 1",
      "failed\n  at step 2",
    ]);
  }
});

test("combined lines beside Apache's notices are those of Apache", async () => {
  const notice = "[Sat Mar 14 10:11:12.1 2026] [mpm_event:notice] [pid 1:tid 7] AH00489: resumed";
  for (const lines of [
    [notice, ...many(20, combined)],
    [...many(20, combined), notice],
  ]) {
    await using store = openMemoryStore()();
    await ingest(store, sourceOf(text(lines)));
    expect(await counts(store)).toEqual({ "apache.access": 20, "apache.error": 1 });
  }
});

test("the formats of a stream are stored with its position", async () => {
  await using store = openMemoryStore()();
  const notice = "[Sat Mar 14 10:11:12.1 2026] [mpm_event:notice] [pid 1:tid 7] AH00489: resumed";
  const log = text([notice, apache(1), combined(2)]);
  await ingest(store, sourceOf(log));
  await ingest(store, sourceOf(log + text(many(3, combined))));
  expect(await counts(store)).toEqual({ "apache.access": 5, "apache.error": 1 });
});

test("a file that takes over the path of a log of another format is recognised by its first lines", async () => {
  const log = join(await temporaryFolder(), "site.log");
  await using store = openMemoryStore()();
  await writeFile(log, text(many(50, combined)));
  await ingestFiles(store, [log]);
  await rename(log, `${log}.1`);
  await writeFile(log, text(many(40, document)));
  await ingestFiles(store, [log]);
  expect(await counts(store)).toEqual({ "nginx.access": 50, ecs: 40 });
});

test("the times of a replay also replace those of lines that were parsed after their format was known", async () => {
  const movedMs = 1_000_000_000;
  const junk = text(many(200, (i) => `${i} ${"z".repeat(6_000)}`));
  const parts = [junk + text([apache(1), apache(2)]), text(many(50, (i) => apache(i + 10)))];
  const source: Source = {
    async *read() {
      for (const [i, part] of parts.entries()) {
        const at = { offset: i * junk.length * 2, position: { offset: i }, bytesSkipped: 0 };
        const retime = (eventMs: number): number => eventMs + movedMs;
        yield { sourceId: "src_test", path: PATH, bytes: Buffer.from(part), retime, ...at };
      }
    },
  };
  await using store = openMemoryStore()();
  await ingest(store, source);
  expect(await counts(store)).toEqual({ "apache.access": 52, "quarterdeck.quarantine": 200 });
  const extent = (await store.extents()).find(({ dataset }) => dataset === "apache.access");
  expect(extent?.fromMs).toBe(Date.UTC(2026, 2, 14, 10, 0, 1) + movedMs);
});
