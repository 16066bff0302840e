import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { Batch } from "#collectors/batch.ts";
import { toDocument } from "#collectors/document.ts";
import { BatchRedactor } from "#collectors/redaction/batch-redactor.ts";
import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import type { IngestDeps } from "../ingest/ingest-deps.ts";
import { Ingest } from "../ingest/ingest.ts";
import { reprocess } from "../ingest/reprocess.ts";
import { logSource } from "../ingest/testing-source.ts";
import type { FrameDelta } from "../live/live-part.ts";
import { openEmbeddedStore } from "../store/embedded-store.ts";
import { openMemoryStore } from "../store/memory-store.ts";
import type { EventStore } from "../store/port.ts";
import { Processing } from "./processing.ts";

const ALL = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
const DEPS = { clock: systemClock, rules: { signIn: [], signOut: [] }, zone: UTC };
const INTERVALS = { sealAfterMs: 60_000, foldEveryMs: 60_000 };
const EVERYTHING = Processing.parse({ redact: [{}] });
const SECRETS = /joe|example\.com|hunter2|4111|4012/;

const access = (path: string, user = "-"): string =>
  `203.0.113.5 - ${user} [14/Mar/2026:10:11:12 +0000] "GET ${path} HTTP/1.1" 200 5 "-" "Probe/1.0"\n`;

async function ingestLog(
  store: EventStore,
  log: string,
  deps: Partial<IngestDeps> = {},
): Promise<Ingest> {
  const ingest = new Ingest({ ...DEPS, ...INTERVALS, store, processing: EVERYTHING, ...deps });
  await ingest.run(logSource({ path: "/srv/a.log" }, log), new AbortController().signal);
  return ingest;
}

async function stored(store: EventStore) {
  const events = await store.search({ ...ALL, where: [], limit: 10_000 });
  return events.toSorted((a, b) => Number(a.fields["log.offset"]) - Number(b.fields["log.offset"]));
}

async function embedded(): Promise<EventStore> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-redact-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return openEmbeddedStore({ folder, clock: systemClock });
}

const KEY_LINES = [
  "-----BEGIN RSA PRIVATE KEY-----",
  "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7MtyW0D1dXoGvGkZ7",
  "K7s2dPq9Lx4mVnQeRtYuIoPaSdFgHjKlZxCvBnMqWeRtYuIoPaSdFgHjKlZxCvB1",
  "q3RzTg==",
  "-----END RSA PRIVATE KEY-----",
];
const KEY_TEXT = /MIIEpAIB|K7s2dPq9|q3RzTg/;

test.each([
  ["alone", (line: string) => line],
  ["after a header of syslog", (line: string) => `<14>Mar 14 10:11:12 web1 shop[7]: ${line}`],
  [
    "in lines of Docker",
    (line: string) =>
      JSON.stringify({ log: `${line}\n`, stream: "stdout", time: "2026-03-14T10:11:12Z" }),
  ],
])("every line of a private key is redacted, %s", async (_name, wrap) => {
  await using store = await embedded();
  const log = [access("/before"), ...KEY_LINES.map((line) => `${wrap(line)}\n`), access("/after")];
  await ingestLog(store, log.join(""));
  const events = await stored(store);
  expect(JSON.stringify(events)).not.toMatch(KEY_TEXT);
  expect(JSON.stringify(events)).toContain("[redacted:key]");
  for (const { id } of events) {
    expect(Buffer.from((await store.original(id)) ?? "").toString()).not.toMatch(KEY_TEXT);
  }
  const paths = events.map(({ fields }) => fields["url.path"]).filter(Boolean);
  expect(paths).toEqual(["/before", "/after"]);
});

const LOG = [
  access("/plain"),
  access("/reset?email=joe%40example.com&x=1", "joe@example.com"),
  access("/users/joe@example.com/orders?pan=4111+1111+1111+1111"),
  access("/login?password=hunter2&next=/"),
  "no format can read this, password=hunter2 of joe@example.com\n",
  access("/after/4012888888881881"),
].join("");

test("what was redacted is counted by kind and dataset", async () => {
  await using store = await embedded();
  const ingest = await ingestLog(store, LOG);
  expect(ingest.redacted()).toEqual({
    "email nginx.access": 3,
    "card nginx.access": 2,
    "password nginx.access": 1,
    "email quarterdeck.quarantine": 1,
    "password quarterdeck.quarantine": 1,
  });
});

test("secrets are in no field, original line, live event or frame, also if no format can parse the line", async () => {
  await using store = await embedded();
  const live: unknown[] = [];
  const frames: FrameDelta[] = [];
  const ingest = await ingestLog(store, LOG, {
    onRows: (batch, from, to) => {
      for (let row = from; row < to; row += 1) live.push(toDocument(batch, row));
    },
    onFrames: (deltas) => void frames.push(...deltas),
  });
  const events = await stored(store);
  expect(events).toHaveLength(6);
  for (const seen of [events, live, frames, ingest.statusWith([])]) {
    expect(JSON.stringify(seen)).not.toMatch(SECRETS);
  }
  for (const { id } of events) {
    expect(Buffer.from((await store.original(id)) ?? "").toString()).not.toMatch(SECRETS);
  }
  expect(events.map(({ fields }) => fields["url.query"])).toEqual([
    undefined,
    "email=[redacted:email]&x=1",
    "pan=[redacted:card]",
    "password=[redacted:password]&next=/",
    undefined,
    undefined,
  ]);
  expect(events[1]?.fields).toMatchObject({
    "user.name": "[redacted:email]",
    "url.path": "/reset",
    "source.ip": "203.0.113.5",
    "event.original": access("/reset?email=[redacted:email]&x=1", "[redacted:email]").trimEnd(),
  });
  expect(events[0]?.fields["event.original"]).toBe(access("/plain").trimEnd());
  expect(events[4]?.fields["data_stream.dataset"]).toBe("quarterdeck.quarantine");
});

test("a status that quotes a refused line quotes it without its secrets", async () => {
  await using store = openMemoryStore()();
  const broken = access("/a").replace("200 5", "joe@example.com 5");
  const ingest = await ingestLog(store, access("/a").repeat(20) + broken);
  const [status] = ingest.statusWith([{ path: "/srv/a.log", message: "read", level: "info" }]);
  expect(status?.message).toContain("1 of its last 21 lines are in quarantine");
  expect(status?.message).not.toMatch(SECRETS);
});

test("the first rule whose datasets match decides, and other datasets keep their lines", async () => {
  const log = access("/pay?email=joe@example.com&pan=4111111111111111");
  const kept = async (redact: unknown): Promise<string> => {
    await using store = openMemoryStore()();
    await ingestLog(store, log, { processing: Processing.parse({ redact }) });
    const [event] = await stored(store);
    return `${String(event?.fields["url.query"])} ${String(event?.fields["event.original"])}`;
  };
  const all = ["email=", "pan="];
  expect(await kept([{ datasets: ["haproxy.*"] }])).toBe(
    `email=joe@example.com&pan=4111111111111111 ${log.trimEnd()}`,
  );
  const onlyCards = await kept([{ datasets: ["nginx.*"], kinds: ["card"] }, {}]);
  expect(onlyCards).toContain("joe@example.com");
  expect(onlyCards).not.toContain("4111");
  const none = await kept([{ datasets: ["nginx.access"], kinds: [] }, {}]);
  for (const part of all) expect(none).toContain(part);
});

test("plain lines that are read in large chunks are redacted, however long the replacements are", async () => {
  await using store = await embedded();
  const lines = Array.from({ length: 10_000 }, (_, n) =>
    access(n % 3 === 0 ? `/u/${n}?email=joe${n}@example.com` : `/u/${n}`),
  );
  await ingestLog(store, lines.join(""));
  const events = await stored(store);
  expect(events).toHaveLength(10_000);
  const expected = lines.map((line) =>
    line.trimEnd().replace(/joe\d+@example.com/, "[redacted:email]"),
  );
  expect(events.map(({ fields }) => fields["event.original"])).toEqual(expected);
});

test("a line that is parsed by a later version is redacted by the rules of its dataset", async () => {
  await using store = openMemoryStore()();
  const processing = Processing.parse({ redact: [{ datasets: ["nginx.*"], kinds: ["email"] }] });
  const log = `garbage that is no access log\n${access("/x?email=joe@example.com")}`;
  const ingest = new Ingest({ ...DEPS, ...INTERVALS, store });
  const source = logSource({ path: "/a", header: { format: "apache.error", fields: {} } }, log);
  await ingest.run(source, new AbortController().signal);
  expect(JSON.stringify(await stored(store))).toContain("joe@example.com");
  await reprocess({ ...DEPS, store, processing }, {});
  expect(JSON.stringify(await stored(store))).not.toContain("joe@example.com");
});

test("a secret that no row has any longer is erased from its dictionary, which may be stored whole", () => {
  const batch = new Batch(10);
  const redactor = new BatchRedactor(batch, () => ["email"]);
  const users = batch.text("user.name");
  users.putText(0, "abandoned@example.com");
  batch.rollback();
  for (const user of ["joe@example.com", "ann", "joe@example.com"]) {
    users.putText(batch.rows, user);
    batch.text("data_stream.dataset").putText(batch.rows, "shop.app");
    batch.commit();
  }
  redactor.redact(0, 2);
  redactor.redact(2, 3);
  redactor.erase();
  const texts = Array.from({ length: users.size }, (_, index) => users.text(index + 1));
  expect(texts.join(" ")).not.toMatch(/example\.com/);
  expect([0, 1, 2].map((row) => users.text(users.ids[row] ?? 0))).toEqual([
    "[redacted:email]",
    "ann",
    "[redacted:email]",
  ]);
});
