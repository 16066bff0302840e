import * as fc from "fast-check";
import { expect, test } from "vitest";

import { eachLine } from "#collectors/lines.ts";
import type { Chunk, Position, RecordHeader, SourceId } from "#collectors/source.ts";

import { joinSources } from "../ingest/join-sources.ts";
import type { Bus } from "./port.ts";

export const PLAIN: RecordHeader = { format: "ecs", fields: {} };

export const line = (number: number): Uint8Array => Buffer.from(`{"n":${number}}\n`);

export const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

type Line = { text: string; header: RecordHeader | undefined; id: string };

/** A store for tests: keeps the lines that readers pass to it, with their positions as JSON. */
export class TestStore {
  readonly lines: Line[] = [];
  #positions = "[]";

  positions = (): Promise<Map<SourceId, Position>> =>
    Promise.resolve(new Map(JSON.parse(this.#positions)));

  /** The numbers of `line`, smallest first. */
  get numbers(): number[] {
    return this.lines.map(({ text }) => Number(JSON.parse(text).n)).toSorted((a, b) => a - b);
  }

  put(lines: readonly Line[], positions: ReadonlyMap<SourceId, Position>): void {
    this.lines.push(...lines);
    const before: [SourceId, Position][] = JSON.parse(this.#positions);
    this.#positions = JSON.stringify([...new Map([...before, ...positions])]);
  }
}

/** Reads like the ingest loop: lines are stored some time after they were read, at the latest when the bus ends. */
async function readInto(store: TestStore, bus: Bus, signal: AbortSignal): Promise<void> {
  let lines: Line[] = [];
  const positions = new Map<SourceId, Position>();
  const flush = (): void => {
    store.put(lines, positions);
    lines = [];
    positions.clear();
  };
  const ticker = setInterval(flush, 20);
  for await (const item of joinSources([bus]).read(store.positions, signal)) {
    if (!("bytes" in item)) flush();
    else {
      lines.push(...linesOf(item));
      positions.set(item.sourceId, item.position);
    }
  }
  clearInterval(ticker);
  flush();
}

function linesOf({ bytes, header, sourceId, offset }: Chunk): Line[] {
  const found: Line[] = [];
  eachLine({ bytes }, (start, end) => {
    const text = Buffer.from(bytes.subarray(start, end)).toString("latin1");
    found.push({ text, header, id: `${sourceId}:${offset + start}` });
  });
  return found;
}

/** Reads until this many lines are stored, and closes the bus. */
export async function readUntil(
  store: TestStore,
  open: () => Promise<Bus>,
  count: number,
): Promise<void> {
  await using reader = await startReader(store, open);
  await reader.until(count);
}

type Reader = AsyncDisposable & { until(count: number): Promise<void> };

export async function startReader(store: TestStore, open: () => Promise<Bus>): Promise<Reader> {
  const bus = await open();
  const stop = new AbortController();
  const running = readInto(store, bus, stop.signal);
  return {
    until: (count) =>
      expect
        .poll(() => store.lines.length, { timeout: 20_000, interval: 5 })
        .toBeGreaterThanOrEqual(count),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await bus[Symbol.asyncDispose]();
    },
  };
}

/** The contract of every bus. `openEmpty` creates an empty bus; the returned function opens it, repeatedly. */
export function testBus(openEmpty: () => Promise<() => Promise<Bus>>): void {
  test("appended records are read once, across restarts of producers and consumers", async () => {
    const open = await openEmpty();
    const store = new TestStore();
    for (let life = 0; life < 3; life += 1) {
      await using producer = await open();
      const append = (n: number) => producer.append({ header: PLAIN, lines: line(n) });
      await Promise.all(numbers(life * 50, life * 50 + 25).map(append));
      await readUntil(store, open, life * 50 + 20);
      for (const n of numbers(life * 50 + 25, life * 50 + 50)) await append(n);
    }
    await readUntil(store, open, 150);
    expect(store.numbers).toEqual(numbers(0, 150));
  });

  test("lines of one producer keep their order", async () => {
    const open = await openEmpty();
    await using producer = await open();
    for (const n of numbers(0, 40)) await producer.append({ header: PLAIN, lines: line(n) });
    const store = new TestStore();
    await readUntil(store, open, 40);
    const texts = numbers(0, 40).map((n) => `{"n":${n}}`);
    expect(store.lines.map(({ text }) => text)).toEqual(texts);
  });

  test("the records of two producers are all read", async () => {
    const open = await openEmpty();
    const store = new TestStore();
    await using one = await open();
    await using other = await open();
    await Promise.all([
      ...numbers(0, 20).map((n) => one.append({ header: PLAIN, lines: line(n) })),
      ...numbers(20, 40).map((n) => other.append({ header: PLAIN, lines: line(n) })),
    ]);
    await readUntil(store, open, 40);
    expect(store.numbers).toEqual(numbers(0, 40));
  });

  test("every line is read with the header of its record, whatever their bytes", async () => {
    const bytes = fc
      .uint8Array({ minLength: 1, maxLength: 40 })
      .map((it) => Buffer.from(it.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x1e : byte))))
      .filter((it) => it[0] !== 0);
    const text = fc.string({ unit: "binary", maxLength: 12 });
    const header = fc.record(
      {
        format: text,
        dataset: text,
        request: text,
        fields: fc.dictionary(text, text, { maxKeys: 3 }),
      },
      { requiredKeys: ["fields"] },
    );
    const record = fc.record({ header, lines: fc.array(bytes, { minLength: 1, maxLength: 4 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 8 }), async (records) => {
        const open = await openEmpty();
        const expected: Omit<Line, "id">[] = [];
        {
          await using producer = await open();
          for (const given of records) {
            const ended = given.lines.flatMap((it) => [it, Buffer.from("\n")]);
            await producer.append({ header: given.header, lines: Buffer.concat(ended) });
            const texts = given.lines.map((it) => it.toString("latin1"));
            expected.push(...texts.map((it) => ({ text: it, header: given.header })));
          }
        }
        const store = new TestStore();
        // Reads that continue within the records have the same headers.
        await readUntil(store, open, Math.ceil(expected.length / 2));
        await readUntil(store, open, expected.length);
        expect(store.lines.map((it) => [it.text, JSON.stringify(it.header)])).toEqual(
          expected.map((it) => [it.text, JSON.stringify(it.header)]),
        );
        expect(new Set(store.lines.map(({ id }) => id)).size).toBe(expected.length);
      }),
      {
        numRuns: 20,
        examples: [[[{ header: { fields: { ["__proto__"]: "" } }, lines: [Buffer.from([1])] }]]],
      },
    );
  });

  test("a line has the same number when it is read again", async () => {
    const open = await openEmpty();
    await using producer = await open();
    for (const n of numbers(0, 30)) {
      const header = { format: `format ${n % 2}`, fields: {} };
      await producer.append({ header, lines: line(n) });
    }
    const whole = new TestStore();
    await readUntil(whole, open, 30);
    const parts = new TestStore();
    for (const count of numbers(1, 31)) await readUntil(parts, open, count);
    expect(parts.lines).toEqual(whole.lines);
  });

  test("acknowledged records may be deleted, and others are kept", async () => {
    const open = await openEmpty();
    const store = new TestStore();
    await using producer = await open();
    const append = (n: number) => producer.append({ header: PLAIN, lines: line(n) });
    for (const n of numbers(0, 10)) await append(n);
    await producer.acknowledge(new Map([["src_other", { offset: 1e12, record: 1e12 }]]));
    await producer.acknowledge(new Map());
    await readUntil(store, open, 10);
    await producer.acknowledge(await store.positions());
    for (const n of numbers(10, 20)) await append(n);
    await readUntil(store, open, 20);
    expect(store.numbers).toEqual(numbers(0, 20));
  });

  test("concurrent consumers read each record once, and another one continues where one ended", async () => {
    const open = await openEmpty();
    const store = new TestStore();
    await using stack = new AsyncDisposableStack();
    const producers = await Promise.all([0, 1, 2, 3].map(async () => stack.use(await open())));
    let next = 0;
    const append = async (): Promise<void> => {
      await Promise.all(
        producers.map((producer) => {
          next += 1;
          return producer.append({ header: PLAIN, lines: line(next - 1) });
        }),
      );
    };
    {
      await using first = await startReader(store, open);
      await append();
      await first.until(4);
      await using second = await startReader(store, open);
      for (let i = 0; i < 10; i += 1) await append();
      await second.until(44);
      await using third = await startReader(store, open);
      await first[Symbol.asyncDispose]();
      for (let i = 0; i < 10; i += 1) await append();
      await third.until(84);
    }
    await append();
    await readUntil(store, open, 88);
    expect(store.numbers).toEqual(numbers(0, 88));
  });

  test("reading ends when the signal aborts", async () => {
    const open = await openEmpty();
    await using bus = await open();
    const stop = new AbortController();
    const reading = readInto(new TestStore(), bus, stop.signal);
    stop.abort();
    await reading;
  });

  test("a closed bus rejects records", async () => {
    const open = await openEmpty();
    const bus = await open();
    await bus[Symbol.asyncDispose]();
    const refused = bus.append({ header: PLAIN, lines: line(1) });
    await expect(refused).rejects.toMatchObject({ code: "unavailable" });
  });
}
