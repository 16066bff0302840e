import * as fc from "fast-check";
import { expect, test } from "vitest";

import { GramFilter, GramFilterBuilder } from "./gram-filter.ts";

function filterOf(texts: readonly string[]): GramFilter {
  const builder = new GramFilterBuilder(texts.length);
  builder.add(Buffer.from(texts.join("\n")));
  return builder.done();
}

const LINE = fc.string({ unit: "binary", maxLength: 60 }).map((text) => text.replaceAll("\n", " "));

test("every part of every text may be contained, in any case of its letters", () => {
  const cut = fc.tuple(fc.nat(), fc.nat(), fc.nat(2));
  fc.assert(
    fc.property(
      fc.array(LINE, { minLength: 1, maxLength: 40 }),
      cut,
      (texts, [which, from, mode]) => {
        const filter = filterOf(texts);
        const text = texts[which % texts.length] ?? "";
        const start = from % (text.length + 1);
        const part = text.slice(start, start + 1 + (which % 30));
        // Only of ASCII: other letters may have several characters in the other case.
        const upper = part.replaceAll(/[a-z]/g, (letter) => letter.toUpperCase());
        const lower = part.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
        expect(filter.mayContain([part, upper, lower][mode] ?? "")).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

test("a text that no text contains is recognised, also among a million different ones", () => {
  const builder = new GramFilterBuilder(200_000);
  for (let i = 0; i < 200_000; i += 1) {
    const address = `10.${i % 7}.${i % 250}.${(i * 7) % 256}`;
    builder.add(Buffer.from(`${address} - "GET /shop/item?page=${i % 500} HTTP/1.1" 200 ${i}\n`));
  }
  const filter = builder.done();
  for (const there of ["10.3.", "shop/item?PAGE=77", "HTTP/1.1", "item?page=499 HTTP"]) {
    expect(filter.mayContain(there)).toBe(true);
  }
  const absent = Array.from({ length: 500 }, (_, i) => `198.51.${i % 100}.${i}`);
  const passed = [...absent, "no such thing", "wp-login.php", "checkout"].filter((text) =>
    filter.mayContain(text),
  );
  expect(passed).toEqual([]);
});

test("texts do not continue in the next one", () => {
  const filter = filterOf(["abcd", "efgh"]);
  expect(filter.mayContain("abcd")).toBe(true);
  expect(filter.mayContain("cdef")).toBe(false);
});

test("a filter takes few bytes for texts that are alike, and is the same after it was written and read", () => {
  const lines = Array.from({ length: 100_000 }, (_, i) => `GET /page/${i % 100} 200`);
  const { bytes } = filterOf(lines);
  expect(bytes.length).toBeLessThan(lines.length / 5);
  const read = GramFilter.from(bytes);
  expect(read?.mayContain("/page/99")).toBe(true);
  expect(read?.mayContain("/pages")).toBe(false);
});

test("bytes of another length are no filter", () => {
  for (const length of [0, 7, 8_191, 8_193, 12_288]) {
    expect(GramFilter.from(new Uint8Array(length))).toBe(undefined);
  }
});
