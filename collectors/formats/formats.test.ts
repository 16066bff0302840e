import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { Batch } from "../batch.ts";
import { detectFormat } from "../detect.ts";
import { UTC } from "../zone.ts";
import { FORMATS, formatNamed } from "./index.ts";
import { AT, COMBINED, NOW_MS, parseLines } from "./parse-lines.ts";

describe("every format", () => {
  test.each(FORMATS.map((format) => [format.dataset, format] as const))(
    "%s never throws, whatever the bytes, and a rollback removes all values",
    (_name, format) => {
      const batch = new Batch(1);
      const scan = format.open(batch, { zone: UTC, nowMs: NOW_MS });
      const pieces = fc.constantFrom(
        '"',
        "\\",
        " ",
        "[",
        "]",
        "{",
        "}",
        "-",
        ", ",
        ": ",
        "1.2.3.4",
        "14/Mar/2026:10:11:12 +0000",
        "GET / HTTP/1.1",
        "200",
        "\u0000",
        "é",
        "[Sat Mar 14 10:11:12 2026]",
      );
      const lines = fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.array(pieces, { maxLength: 40 }).map((parts) => Buffer.from(parts.join(""))),
      );
      fc.assert(
        fc.property(lines, fc.nat(5), (line, margin) => {
          const bytes = Buffer.concat([
            Buffer.alloc(margin, 0x22),
            line,
            Buffer.alloc(margin, 0x20),
          ]);
          const reason = scan(bytes, margin, margin + line.length);
          expect(reason === undefined || reason.length > 0).toBe(true);
          // A brace alone begins an object of several lines, whose time comes later.
          const isBrace = line.length === 1 && line[0] === 0x7b;
          if (reason === undefined && !isBrace)
            expect(batch.number("@timestamp").values[0]).not.toBeNaN();
          batch.rollback();
          for (const column of batch.textColumns().values()) expect(column.ids[0]).toBe(0);
          for (const column of batch.numberColumns().values()) expect(column.values[0]).toBeNaN();
        }),
      );
    },
  );

  test.each([
    ["nginx.access", COMBINED],
    ["apache.access", `203.0.113.9 - - ${AT} "GET / HTTP/1.1" 200 -`],
    [
      "varnish.access",
      `203.0.113.9 - - ${AT} "GET http://shop.example/ HTTP/1.1" 200 5 "-" "Probe"`,
    ],
    ["nginx.error", "2026/03/14 10:11:12 [crit] 12#34: *56 no"],
    ["apache.error", "[Sat Mar 14 10:11:12 2026] [error] no"],
    ["ecs", '{"@timestamp":"2026-03-14T10:11:12Z","message":"hello","log.level":"info"}'],
  ])("%s is detected by its content, also with BOM, CRLF and junk", (dataset, line) => {
    const sample = Buffer.from(`\uFEFF${line}\r\njunk\r\n${line}\r\n`);
    expect(detectFormat(sample).format?.dataset).toBe(dataset);
  });

  test("the path decides whether combined lines are from Apache", () => {
    const sample = Buffer.from(`${COMBINED}\n`);
    expect(detectFormat(sample, "/var/log/httpd/access_log").format?.dataset).toBe("apache.access");
  });

  test.each([
    ["nginx.access", String.raw`GET /\x22\xE3 HTTP/1.1`],
    ["apache.access", String.raw`\x16\x03\xe3`],
    ["apache.access", String.raw`GET /\"a HTTP/1.1`],
  ])("combined lines are of %s if a request is escaped as in %s", (dataset, request) => {
    const escaped = COMBINED.replace(/"GET [^"]*"/, `"${request}"`);
    expect(escaped).toContain(request);
    const sample = `${`${COMBINED}\n`.repeat(50)}${escaped}\n`;
    expect(detectFormat(Buffer.from(sample)).format?.dataset).toBe(dataset);
  });

  test("continuation lines of an event do not outweigh lines of another format", () => {
    const notice = "2026/03/14 10:11:12 [notice] 12#34: started\n";
    const sample = `${notice.repeat(9)}${`${COMBINED}\n`.repeat(30)}`;
    expect(detectFormat(Buffer.from(sample)).format?.dataset).toBe("nginx.access");
  });

  test("the usual paths of a format suggest that format", () => {
    for (const { usualPaths = [], detection } of FORMATS) {
      for (const path of usualPaths) expect(path).toMatch(detection?.path ?? /never/);
    }
  });

  test("without a matching format the reasons of all rejections are listed", () => {
    const found = detectFormat(Buffer.from("hello\nworld\n"));
    expect(found.format).toBeUndefined();
    expect(found).toHaveProperty("tried");
  });
});

test("an unknown dataset is rejected with a list of the known ones", () => {
  expect(() => formatNamed("oracle.error")).toThrow(
    /unknown dataset "oracle.error": use one of .*haproxy.log/,
  );
});

test("a line over the limit is truncated and marked", () => {
  const long = Buffer.alloc(16 * 1024 * 1024 + 5, 0x41);
  const [document] = parseLines("nginx.access", long);
  expect(document?.["log.flags"]).toEqual(["truncated"]);
  expect(document?.["error.message"]).toContain("its last 5 bytes");
});
