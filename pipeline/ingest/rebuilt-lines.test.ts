import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";

import type { Chunk } from "#collectors/source.ts";
import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import type { StoreFilter } from "../filter.ts";
import { originalLines } from "../original-lines.ts";
import { openEmbeddedStore } from "../store/embedded-store.ts";
import { openMemoryStore } from "../store/memory-store.ts";
import type { EventStore } from "../store/port.ts";
import { Ingest } from "./ingest.ts";
import { logSource } from "./testing-source.ts";

const ALL = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
const DEPS = { clock: systemClock, rules: { signIn: [], signOut: [] }, zone: UTC };
const INTERVALS = { sealAfterMs: 60_000, foldEveryMs: 60_000 };
/** So many lines that the module of plain lines reads them. */
const LINES_MIN = 700;

async function openStore(): Promise<EventStore> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-rebuilt-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return openEmbeddedStore({ folder, clock: systemClock });
}

async function ingest(
  store: EventStore,
  content: string,
  header?: Pick<Chunk, "header">,
): Promise<void> {
  const bytes = Buffer.from(content, "latin1");
  const source = logSource({ path: "/srv/access.log", ...header }, bytes);
  await new Ingest({ ...DEPS, ...INTERVALS, store }).run(source, new AbortController().signal);
}

/** The lines of all events in the order of their offsets. */
async function linesOf(store: EventStore): Promise<string[]> {
  const found = await store.search({ ...ALL, where: [], limit: 10_000 });
  const offsetOf = (fields: Readonly<Record<string, unknown>>): number =>
    Number(fields["log.offset"]);
  const inOrder = found.toSorted((a, b) => offsetOf(a.fields) - offsetOf(b.fields));
  return inOrder.map(({ fields }) => String(fields["event.original"]));
}

async function exported(store: EventStore): Promise<string> {
  const parts: Buffer[] = [];
  for await (const { bytes } of originalLines(store, { ...ALL, where: [] })) parts.push(bytes);
  return Buffer.concat(parts).toString("latin1");
}

type Parts = {
  address: string;
  ident: string;
  user: string;
  time: string;
  request: string;
  status: string;
  size: string;
  quoted: string;
  end: string;
};
const USUAL: Parts = {
  address: "203.0.113.5",
  ident: "-",
  user: "-",
  time: "[14/Mar/2026:10:11:12 +0000]",
  request: '"GET /a?b=c HTTP/1.1"',
  status: "200",
  size: "512",
  quoted: ' "https://shop.example/" "Probe/1.0 (x; y)"',
  end: "\n",
};
const textOf = (parts: Parts): string => {
  const { address, ident, user, time, request, status, size, quoted, end } = parts;
  return `${address} ${ident} ${user} ${time} ${request} ${status} ${size}${quoted}${end}`;
};

const UNUSUAL: { [K in keyof Parts]: readonly string[] } = {
  address: ["2001:db8::1", "::ffff:10.0.0.1", "client.example.com", "-", "a|b", "x".repeat(60)],
  ident: ["frank", "", "- "],
  user: ["frank", '"-"', '"a b"', "a\u00e9", "x\u001fy", "u".repeat(80)],
  time: [
    "[14/Mar/2026:10:11:12 +0100]",
    "[14/Mar/2026:23:59:59 -0330]",
    "[01/Jan/2026:00:00:00 +1400]",
    "[14/Mar/2026:10:11:12 -0000]",
    "[14/Mar/2026:10:11:60 +0000]",
    "[14/mar/2026:10:11:12 +0000]",
    "[14/Mar/2026 10:11:12 +0000]",
    "[14/Mar/2026:10.11.12 +0000]",
    "[14/Mar/2026:10:11:12 +00:0]",
    "[31/Feb/2026:10:11:12 +0000]",
    "[29/Feb/2024:10:11:12 +0000]",
  ],
  request: [
    '"POST /a b HTTP/2.0"',
    '"GET  /two HTTP/1.1"',
    '"GET / http/1.1"',
    '"GET /"',
    '"-"',
    '"G\u0001T /\u0000\u0002 HTTP/1.1"',
    '"GET /\\x22 HTTP/1.1"',
    '"GET /\u00ff HTTP/1.1"',
    '"GET /a\u001fb HTTP/1.1"',
    "\"GET /%20?q='x'#y HTTP/1.1\"",
  ],
  status: ["404", "099", "000", "-", "2000", "999"],
  size: ["-", "0", "007", "00", "999999999999999", "9999999999999999", "1e3"],
  quoted: [
    "",
    " ",
    ' "-" "-"',
    ' "" ""',
    ' "-" ""',
    ' "" "-"',
    ' "a"',
    ' "a" ',
    ' "a" "b" ',
    ' "a"  "b"',
    ' "a" "b" 0.005',
    ' "a" "b" "c"',
    ' "-" "b\u001fc"',
    ' "--" "-x"',
    ' "a" "\u00e9"',
    ' "a\\"" "b"',
    " - -",
  ],
  end: ["\r\n", "\r\r\n", "\n\n"],
};

const line = fc.oneof(
  { weight: 2, arbitrary: fc.constant(USUAL) },
  ...Object.entries(UNUSUAL).map(([part, values]) =>
    fc.constantFrom(...values).map((value) => ({ ...USUAL, [part]: value })),
  ),
  fc
    .record(
      Object.fromEntries(
        Object.entries(UNUSUAL).map(([part, values]) => [part, fc.constantFrom(...values)]),
      ),
      { requiredKeys: [] },
    )
    .map((parts): Parts => ({ ...USUAL, ...parts })),
);

test("each line of an access log comes back byte for byte, stored or made from its fields", async () => {
  const lines = fc.array(line, { minLength: LINES_MIN, maxLength: LINES_MIN + 200 });
  await fc.assert(
    fc.asyncProperty(lines, async (written) => {
      await using store = await openStore();
      await using reference = openMemoryStore()();
      const content = written.map(textOf).join("");
      await ingest(store, content);
      await ingest(reference, content);
      expect(await linesOf(store)).toEqual(await linesOf(reference));
      const bytes = Buffer.from(await exported(store), "latin1");
      const sent = content.split("\n").filter((text) => !/^\r*$/.test(text));
      expect(bytes.toString("latin1").split("\n").filter(Boolean).toSorted()).toEqual(
        sent.toSorted(),
      );
    }),
    { numRuns: 15 },
  );
});

test("words are found in lines that are made from their fields as in those that are stored", async () => {
  await using store = await openStore();
  await using reference = openMemoryStore()();
  const usual = Array.from({ length: LINES_MIN }, (_, i) => ({
    ...USUAL,
    address: `203.0.113.${i % 7}`,
    user: i % 5 === 0 ? "Frank" : "-",
    time: `[${10 + (i % 9)}/Mar/2026:10:11:${10 + (i % 50)} ${i % 3 === 0 ? "+0100" : "-0330"}]`,
    request: `"${i % 4 === 0 ? "POST" : "GET"} /item/${i % 90} HTTP/${i % 2 === 0 ? "1.1" : "2.0"}"`,
    status: i % 11 === 0 ? "404" : "200",
    size: i % 13 === 0 ? "-" : String(i),
    quoted: i % 6 === 0 ? "" : USUAL.quoted,
  }));
  const content = usual.map(textOf).join("");
  await ingest(store, content);
  await ingest(reference, content);
  const words =
    `203.0.113.3|frank|post|http/2.0|http|/item/8|404|200 5|probe|12/mar|mar|10:11:12|+0100|-0330]|[14|]
    |-|- -|"get|1.1"|2026:10|/2026|z|/item/89 http/2.0|é|K|franK|1:1|ab`.split(/\s*\|/);
  const counts: Record<string, [number, number]> = {};
  for (const word of words) {
    const where: StoreFilter = [{ field: "*", op: "contains", value: word }];
    const request = { ...ALL, where, limit: 1_000 };
    const found = [await store.search(request), await reference.search(request)];
    counts[word] = [found[0]?.length ?? 0, found[1]?.length ?? 0];
  }
  for (const [word, [found, expected]] of Object.entries(counts)) {
    expect(found, word).toBe(expected);
  }
  expect(counts["frank"]?.[0]).toBe(LINES_MIN / 5);
});

test("values that a sender adds to lines are not in the lines", async () => {
  await using store = await openStore();
  const content = textOf({ ...USUAL, quoted: ' "-" "-"' }).repeat(2 * LINES_MIN);
  const added = { "user.name": "sender", "user_agent.original": "Shipper/1" };
  await ingest(store, content, { header: { fields: added } });
  const [event] = await store.search({ ...ALL, where: [], limit: 1 });
  expect(event?.fields).toMatchObject(added);
  expect(await exported(store)).toBe(content);
});
