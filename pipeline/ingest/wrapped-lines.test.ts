import * as fc from "fast-check";
import { expect, test } from "vitest";

import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { openMemoryStore } from "../store/memory-store.ts";
import type { EventStore } from "../store/port.ts";
import { Ingest } from "./ingest.ts";
import { reprocess } from "./reprocess.ts";
import { logSource } from "./testing-source.ts";

const DEPS = { clock: systemClock, rules: { signIn: [], signOut: [] }, zone: UTC };
const INTERVALS = { sealAfterMs: 60_000, foldEveryMs: 60_000 };
const ID = "0123456789abcdef".repeat(4);
const PATH = `/var/log/containers/web-5d9c_shop_nginx-${ID}.log`;
const ALL = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

const access = (i: number): string =>
  `203.0.113.5 - - [14/Mar/2026:10:11:12 +0000] "GET /${i} HTTP/1.1" 200 5 "-" "Probe/1.0"`;
const cri = (stream: string, tag: string, line: string): string =>
  `2026-03-14T10:11:12.345678901Z ${stream} ${tag} ${line}`;
const docker = (stream: string, isPart: boolean, line: string): string =>
  JSON.stringify({ log: isPart ? line : `${line}\n`, stream, time: "2026-03-14T10:11:12.3Z" });
const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");
const lineStarts = (log: string): number[] =>
  [...log.matchAll(/\n/g)].map(({ index }) => index + 1);

async function ingest(store: EventStore, log: string, cuts: readonly number[] = []) {
  const run = new Ingest({ ...DEPS, ...INTERVALS, store });
  await run.run(logSource({ path: PATH }, log, cuts), new AbortController().signal);
}

async function stored(store: EventStore) {
  const found = await store.search({ ...ALL, where: [], limit: 10_000 });
  return found
    .map(({ fields }) => fields)
    .toSorted((a, b) => Number(a["log.offset"]) - Number(b["log.offset"]));
}

/** The lines of one stream of a container. A log has those of both, in any order. */
type Written = { lines: string[]; messages: string[] };

const RUNTIMES = [
  {
    name: "CRI",
    wrap: (stream: string, isPart: boolean, line: string) => cri(stream, isPart ? "P" : "F", line),
  },
  { name: "Docker", wrap: docker },
];

/** Access lines on stdout and errors with a continuation on stderr, each split into up to three parts. */
const written = (wrap: (stream: string, isPart: boolean, line: string) => string) =>
  fc
    .record({
      requests: fc.array(fc.nat({ max: 90 }), { minLength: 1, maxLength: 8 }),
      errors: fc.array(fc.nat({ max: 50 }), { maxLength: 6 }),
    })
    .map(({ requests, errors }): { stdout: Written; stderr: Written } => {
      const split = (stream: string, line: string, at: number): string[] =>
        at === 0
          ? [wrap(stream, false, line)]
          : [wrap(stream, true, line.slice(0, at)), wrap(stream, false, line.slice(at))];
      return {
        stdout: {
          lines: requests.flatMap((at, i) => split("stdout", access(i), at)),
          messages: requests.map((_, i) => `/${i}`),
        },
        stderr: {
          lines: errors.flatMap((at, i) => [
            ...split("stderr", `2026/03/14 10:11:12 [error] 1#1: *5 PHP message: ${i} failed`, at),
            wrap("stderr", false, `#0 step ${i}`),
          ]),
          messages: errors.map((_, i) => `PHP message: ${i} failed\n#0 step ${i}`),
        },
      };
    });

test.each(RUNTIMES)(
  "the streams of a container are read apart, whatever their order and wherever chunks begin: $name",
  async ({ wrap }) => {
    const logs = fc.tuple(written(wrap), fc.array(fc.boolean(), { maxLength: 40 }), fc.nat());
    await fc.assert(
      fc.asyncProperty(logs, async ([{ stdout, stderr }, order, cut]) => {
        const rest = { stdout: [...stdout.lines], stderr: [...stderr.lines] };
        const lines = order.flatMap((isError) =>
          (isError ? rest.stderr : rest.stdout).splice(0, 1),
        );
        const log = text([...lines, ...rest.stdout, ...rest.stderr]);
        const starts = lineStarts(log);
        await using store = openMemoryStore()();
        await ingest(store, log, cut % 3 === 0 ? starts : [starts[cut % starts.length] ?? 0]);
        const events = await stored(store);
        const of = (stream: string) => events.filter((it) => it["log.iostream"] === stream);
        expect(of("stdout").map((it) => it["url.original"])).toEqual(stdout.messages);
        expect(of("stderr").map((it) => it["message"])).toEqual(stderr.messages);
        expect(events).toHaveLength(stdout.messages.length + stderr.messages.length);
      }),
      { numRuns: 40 },
    );
  },
);

test("events of a container's file have the container that its path names", async () => {
  await using store = openMemoryStore()();
  await ingest(store, text([cri("stdout", "F", access(1)), cri("stderr", "F", "junk")]));
  const events = await stored(store);
  expect(events.map((it) => it["container.name"])).toEqual(["nginx", "nginx"]);
  expect(events.map((it) => it["container.id"])).toEqual([ID, ID]);
});

test("a line in quarantine has the time and the origin of its envelope, and its original line", async () => {
  await using store = openMemoryStore()();
  const junk = cri("stderr", "F", "/docker-entrypoint.sh: ready");
  await ingest(store, text([junk, cri("stdout", "F", access(1))]));
  const [event] = await stored(store);
  expect(event).toMatchObject({
    "data_stream.dataset": "quarterdeck.quarantine",
    "@timestamp": "2026-03-14T10:11:12.345Z",
    "log.iostream": "stderr",
    "event.original": junk,
  });
});

test.each(RUNTIMES)(
  "an empty line in an envelope is skipped like one without, and may be part of an event: $name",
  async ({ wrap }) => {
    const lines = [
      wrap("stdout", false, ""),
      wrap("stdout", false, access(1)),
      wrap("stdout", true, ""),
      wrap("stdout", false, ""),
      wrap("stdout", false, access(2)).trimEnd(),
      wrap("stderr", false, "2026/03/14 10:11:12 [error] 1#1: *5 failed"),
      wrap("stderr", false, ""),
      wrap("stderr", false, "  at step 1"),
      wrap("stderr", false, "").trimEnd(),
    ];
    const log = text(lines);
    for (const cuts of [[], lineStarts(log)]) {
      await using store = openMemoryStore()();
      await ingest(store, log, cuts);
      const events = await stored(store);
      expect(events.map((it) => it["url.original"] ?? String(it["message"]).trimEnd())).toEqual([
        "/1",
        "/2",
        "failed\n\n  at step 1",
      ]);
    }
  },
);

test("an empty message of syslog is an event", async () => {
  await using store = openMemoryStore()();
  await ingest(store, text(["<190>Mar 14 10:11:12 edge nginx: ", access(1)]));
  expect(await stored(store)).toHaveLength(2);
});

test("an event of several wrapped lines has all of them as its original", async () => {
  await using store = openMemoryStore()();
  const lines = [
    cri("stderr", "F", "2026/03/14 10:11:12 [error] 1#1: *5 failed"),
    cri("stderr", "F", "  at step 1"),
  ];
  await ingest(store, text(lines));
  const [event, ...more] = await stored(store);
  expect([event?.["event.original"], more]).toEqual([lines.join("\n"), []]);
});

test("syslog, compose and plain lines can be mixed, beginning with JSON", async () => {
  const error = "2026/03/14 10:11:12 [error] 1#1: *5 failed";
  const log = text([
    '{"@timestamp":"2026-03-14T10:11:12Z","message":"up","log.level":"info"}',
    `<190>Mar 14 10:11:12 edge nginx: ${access(1)}`,
    `web-1  | ${access(2)}`,
    error,
    "  at step 1",
    `web-1  | ${error}`,
    access(3),
  ]);
  for (const cuts of [[], lineStarts(log)]) {
    await using one = openMemoryStore()();
    await ingest(one, log, cuts);
    const events = await stored(one);
    expect(events.map((it) => it["url.original"] ?? it["message"])).toEqual([
      "up",
      "/1",
      "/2",
      "failed\n  at step 1",
      "failed",
      "/3",
    ]);
    expect(events.map((it) => it["data_stream.dataset"])).not.toContain("quarterdeck.quarantine");
  }
});

test("a restart between the parts of a line loses and doubles nothing", async () => {
  const parts = [access(2).slice(0, 30), access(2).slice(30)];
  const log = text([
    cri("stdout", "F", access(1)),
    cri("stdout", "P", parts[0] ?? ""),
    cri("stderr", "F", "2026/03/14 10:11:12 [error] 1#1: *5 failed"),
    cri("stdout", "F", parts[1] ?? ""),
    cri("stdout", "F", access(3)),
  ]);
  const [, split = 0] = lineStarts(log);
  await using store = openMemoryStore()();
  const ending = new AbortController();
  const run = new Ingest({ ...DEPS, ...INTERVALS, store });
  const source = logSource({ path: PATH }, log.slice(0, split));
  await run.run(
    {
      async *read(positions, signal) {
        yield* source.read(positions, signal);
        ending.abort();
      },
    },
    ending.signal,
  );
  await ingest(store, log);
  const events = await stored(store);
  expect(events.map((it) => it["url.original"] ?? it["message"])).toEqual([
    "/1",
    "/2",
    "failed",
    "/3",
  ]);
});

test("quarantined lines are read again without their envelopes", async () => {
  await using store = openMemoryStore()();
  const run = new Ingest({ ...DEPS, ...INTERVALS, store });
  const lines = [
    cri("stdout", "F", access(1)),
    `<190>Mar 14 10:11:12 edge nginx: ${access(2)}`,
    docker("stdout", false, access(3)),
  ];
  const header = { format: "no.such", fields: {} };
  await run.run(logSource({ path: "", header }, text(lines)), new AbortController().signal);
  const done = await reprocess({ ...DEPS, store }, {});
  expect(done.events).toEqual(new Map([["nginx.access", 3]]));
  expect((await stored(store)).map((it) => it["url.original"])).toEqual(["/1", "/2", "/3"]);
});
