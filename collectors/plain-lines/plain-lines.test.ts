import * as fc from "fast-check";
import { expect, test } from "vitest";

import { Batch } from "../batch.ts";
import { type Deriver, openDeriver } from "../derive/derive.ts";
import { DurationUnits } from "../duration-units.ts";
import type { Format, FormatContext } from "../format.ts";
import { apacheAccess } from "../formats/apache-access.ts";
import { nginxAccess } from "../formats/nginx-access.ts";
import { nginxIngress } from "../formats/nginx-ingress.ts";
import { varnishAccess } from "../formats/varnish-access.ts";
import { eachLine } from "../lines.ts";
import { UTC } from "../zone.ts";
import { openPlainLines, type PlainLines } from "./plain-lines.ts";

const FORMATS = [nginxAccess, apacheAccess, nginxIngress, varnishAccess];
const ROWS_MAX = 10_000;
const DATASET = "test.access";
const OFFSET = 1_000_000;

/** Reads a text into a batch as the ingest of a log does, and returns the number of plain lines. */
class Reader {
  readonly batch = new Batch(ROWS_MAX);
  readonly plain: PlainLines | null;
  readonly #deriver: Deriver;
  readonly #format: Format;
  readonly #context: FormatContext = { zone: UTC, nowMs: Date.UTC(2026, 10, 1) };

  constructor(format: Format, readsPlain: boolean) {
    this.#format = format;
    this.plain = readsPlain ? openPlainLines(this.batch, this.#context) : null;
    this.#deriver = openDeriver(this.batch, { signIn: [], signOut: [] });
  }

  reset(): void {
    this.batch.reset();
    this.#deriver.reset();
  }

  /** `isPlaced`: the bytes are in memory of the module, if they fit. */
  read(text: Uint8Array, isPlaced = false): number {
    const { batch, plain } = this;
    const placed = isPlaced ? plain?.chunkMemory(text.length) : undefined;
    placed?.set(text);
    const bytes = placed ?? text;
    this.#context.units = new DurationUnits();
    const scan = this.#format.open(batch, this.#context);
    const dataset = batch.text("data_stream.dataset").internText(DATASET);
    const tail = scan.plainTail;
    if (!tail) throw new Error("the format has no plain lines");
    let plainRows = 0;
    batch.lines.begin(bytes);
    plain?.begin({ bytes, offset: OFFSET, tail });
    const takePlain = (start: number): number => {
      const before = batch.rows;
      const next = plain?.take(start, dataset) ?? start;
      plainRows += batch.rows - before;
      return next;
    };
    eachLine(
      { bytes },
      (start, end) => {
        if (batch.rows >= batch.rowsMax) batch.reserve(100);
        if (scan(bytes, start, end) !== undefined) return batch.rollback();
        batch.text("data_stream.dataset").ids[batch.rows] = dataset;
        batch.number("log.offset").values[batch.rows] = OFFSET + start;
        batch.lines.putLine(batch.rows, bytes, start, end);
        return batch.commit();
      },
      takePlain,
    );
    this.#deriver.derive(0, batch.rows);
    return plainRows;
  }

  get rows(): Record<string, unknown>[] {
    const { batch } = this;
    return Array.from({ length: batch.rows }, (_, row) => {
      const texts = [...batch.textColumns()].map(([name, column]) => {
        const id = column.ids[row] ?? 0;
        return [name, id === 0 ? "" : column.text(id)];
      });
      const numbers = [...batch.numberColumns()].map(([name, { values }]) => [name, values[row]]);
      const line = Buffer.from(batch.lines.bytes(row)).toString("latin1");
      return Object.fromEntries([...texts, ...numbers, ["line", line]]);
    });
  }
}

const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.constantFrom("-", "a", "client.example.com", "x|", "2026-03-14", "::ffff:10.0.0.1"),
  fc.stringMatching(/^[!-~]{1,60}$/),
);
const user = fc.constantFrom(
  "-",
  "-",
  "-",
  "frank",
  '"-"',
  '"x y"',
  "",
  "a b",
  "é",
  "u".repeat(80),
);
const time = fc.constantFrom(
  "14/Mar/2026:10:11:12 +0000",
  "14/Mar/2026:23:59:60 +0000",
  "15/Mar/2026:00:00:00 -0330",
  "14/Mar/2026:24:00:00 +0000",
  "31/Feb/2026:10:11:12 +0000",
  "14/Mar/2036:10:11:12 +0000",
  "01/Jan/1990:10:11:12 +0000",
  "2026-03-14T10:11:12+00:00",
  "14/mar/2026:10:11:12 +00:0",
);
const url = fc.oneof(
  fc.webPath(),
  fc.constantFrom("/", "*", "http://x/", "", "/a b", "/\\x22", '/\\"', "/é", "/\xff", '/"quote"'),
  fc.constantFrom(
    "/?",
    "/a?b=c",
    "/a?b?c",
    "/a%20b?c",
    "/a?b=%20",
    "/a?b#c",
    "/#?",
    "?a",
    "http://x/?a=1",
  ),
  fc.tuple(fc.webPath(), fc.webQueryParameters()).map(([path, query]) => `/${path}?${query}`),
  fc.stringMatching(/^[ -~]{0,200}$/),
);
const request = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(
        fc.constantFrom("GET", "POST", "M-SEARCH", "G3T"),
        url,
        fc.constantFrom("HTTP/1.1", "HTTP/2.0", "HTTP/2", "HTTP/1.10", "HTTP/1. ", "HTTP/"),
      )
      .map((parts) => parts.join(" ")),
  },
  fc.constantFrom(
    "-",
    "",
    "GET",
    "GET /",
    "\\x16\\x03\\x01",
    "GET  /two HTTP/1.1",
    "GET / HTTP/1.1 ",
  ),
);
const status = fc.constantFrom("200", "404", "099", "000", "-", "2000", "20", "20x");
const size = fc.oneof(
  fc.nat().map(String),
  fc.constantFrom("-", "", "1e3", "9".repeat(16), "9".repeat(15)),
);
const quoted = fc.oneof(
  fc.constantFrom(
    '"-"',
    '"-"',
    "-",
    '""',
    '"a" b"',
    '"a\\"b"',
    '"a\\\\"',
    '"é"',
    "x",
    '"open',
    '"a"b',
  ),
  fc.stringMatching(/^[ !#-[\]-~]{0,90}$/).map((text) => `"${text}"`),
);
const tail = fc.constantFrom(
  "",
  "",
  '"-"',
  '"203.0.113.9, 10.0.0.1"',
  "0.005",
  "0.005 0.004 HIT",
  '"a" "b" 12 34',
  "hit 0.000123",
);
const access = fc
  .tuple(address, user, time, request, status, size, quoted, quoted, tail)
  .map(
    ([a, u, t, r, s, b, ref, ua, rest]) =>
      `${a} - ${u} [${t}] "${r}" ${s} ${b} ${ref} ${ua}${rest === "" ? "" : ` ${rest}`}`,
  );
const INGRESS_TAIL =
  " 5150 0.123 [shop-web-80] [] 10.0.0.7:8080 1234 0.120 200 0123456789abcdef0123456789abcdef";
const plain = fc
  .tuple(fc.ipV4(), fc.webPath(), fc.nat({ max: 99_999 }), fc.constantFrom("", INGRESS_TAIL))
  .map(
    ([from, path, bytes, rest]) =>
      `${from} - - [14/Mar/2026:10:11:12 +0000] "GET ${path || "/"} HTTP/1.1" 200 ${bytes} "-" "Probe/1.0"${rest}`,
  );
const mutated = fc
  .tuple(
    access,
    fc.nat(),
    fc.nat({ max: 255 }),
    fc.constantFrom("replace", "remove", "insert", "cut"),
  )
  .map(([text, at, byte, kind]) => {
    const i = at % text.length;
    const rest = kind === "insert" ? text.slice(i) : text.slice(i + 1);
    if (kind === "cut") return text.slice(0, i);
    return text.slice(0, i) + (kind === "remove" ? "" : String.fromCodePoint(byte)) + rest;
  });
const lines = fc.array(
  fc.tuple(
    fc.oneof(plain, plain, access, access, mutated, fc.constantFrom("", "\0\0", "x", "[notice] x")),
    fc.constantFrom("\n", "\n", "\n", "\r\n", "\n\n"),
  ),
  { maxLength: 40 },
);

test.each(FORMATS)("plain lines have the fields that the format $dataset reads", (format) => {
  const both = [new Reader(format, true), new Reader(format, false)] as const;
  let plainRows = 0;
  fc.assert(
    fc.property(lines, fc.boolean(), fc.boolean(), (written, isCut, isPlaced) => {
      const text = written.map(([line, end]) => line + end).join("");
      const bytes = Buffer.from(isCut ? text.slice(0, -1) : text, "latin1");
      const [reader, reference] = both;
      plainRows += reader.read(bytes, isPlaced);
      reference.read(bytes);
      expect(reader.rows).toEqual(reference.rows);
      for (const it of both) it.reset();
    }),
    { numRuns: 500 },
  );
  expect(plainRows).toBeGreaterThan(300);
});

const line = (i: number, parts: { address?: string; user?: string; url?: string } = {}): string =>
  `${parts.address ?? "203.0.113.5"} - ${parts.user ?? "-"} [14/Mar/2026:10:11:12 +0000] "GET ${parts.url ?? `/${i}`} HTTP/1.1" 200 5 "https://shop.example.com/${i}" "Probe/1.0"\n`;
const linesOf = (count: number, parts?: (i: number) => Parameters<typeof line>[1]): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, i) => line(i, parts?.(i))).join(""));

test("the values that a format and the module write are the same entries of the dictionary", () => {
  const reader = new Reader(nginxAccess, true);
  const bytes = linesOf(3_000, (i) => ({ url: `/${"x".repeat(i % 40)}` }));
  reader.read(bytes);
  const column = reader.batch.text("url.original");
  expect(column.size).toBe(40);
  for (let i = 0; i < 40; i += 1) column.internText(`/${"x".repeat(i)}`);
  expect(column.size).toBe(40);
});

test("lines of several chunks in the module's memory stay as they were", () => {
  const reader = new Reader(nginxAccess, true);
  const reference = new Reader(nginxAccess, false);
  for (let chunk = 0; chunk < 3; chunk += 1) {
    const bytes = linesOf(500, (i) => ({
      url: i % 10 === 0 ? `/é/${chunk}` : `/${chunk}/${i}?q=${i}`,
    }));
    reader.read(bytes, true);
    reference.read(bytes);
  }
  expect(reader.rows).toEqual(reference.rows);
});

test.each([
  ["many users", linesOf(9_000, (i) => ({ user: `user${i}` }))],
  ["many URLs", linesOf(9_000, (i) => ({ url: `/${i}?q=${"q".repeat(3_000)}${i}` }))],
  ["long users", linesOf(4_000, (i) => ({ user: "u".repeat(50) + String(i) }))],
  ["long URLs", linesOf(60, (i) => ({ url: `/${String(i).repeat(450_000)}` }))],
  ["more rows than the batch has", linesOf(ROWS_MAX + 50)],
])(
  "a column that is too large, or a batch, holds what it should, and the next batch: %s",
  (_, bytes) => {
    const reader = new Reader(nginxAccess, true);
    const reference = new Reader(nginxAccess, false);
    const before = reader.read(bytes);
    reference.read(bytes);
    expect(before).toBeLessThan(reader.batch.rows);
    expect(reader.rows).toEqual(reference.rows);

    for (const it of [reader, reference]) it.reset();
    const few = linesOf(500);
    expect(reader.read(few)).toBe(500);
    reference.read(few);
    expect(reader.rows).toEqual(reference.rows);
  },
);
