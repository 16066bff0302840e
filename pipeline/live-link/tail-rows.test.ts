import { expect, test } from "vitest";

import { Batch } from "#collectors/batch.ts";
import { addDocument } from "#collectors/document.ts";

import { parseQuery } from "../query-language.ts";
import { tailRows } from "./tail-rows.ts";

const NOW_MS = Date.UTC(2026, 4, 17, 10);

test("a tail finds words that are only in the original line, such as a protocol version", () => {
  const batch = new Batch(4);
  const lines = ['192.0.2.1 "GET /a HTTP/1.1" 200', '192.0.2.1 "GET /b HTTP/2.0" 200'];
  for (const [offset, line] of lines.entries()) {
    const bytes = Buffer.from(line);
    batch.lines.put(batch.rows, bytes, 0, bytes.length);
    addDocument(batch, { "@timestamp": NOW_MS, "log.source.id": "src_a", "log.offset": offset });
  }
  const found = (query: string): unknown[] => {
    const rows = { from: 0, to: batch.rows, nowMs: NOW_MS };
    const [tail] = tailRows(batch, rows, [{ id: "1", filter: parseQuery(query) }]);
    return tail?.events.map(({ id }) => id) ?? [];
  };
  expect(found("HTTP/2.0")).toEqual(["src_a:1"]);
  expect(found('"GET /a"')).toEqual(["src_a:0"]);
  expect(found("192.0.2.1")).toEqual(["src_a:0", "src_a:1"]);
  expect(found("-HTTP/2.0")).toEqual(["src_a:0"]);
});
