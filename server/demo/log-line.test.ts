import { expect, test } from "vitest";

import { accessLine, type AccessRecord } from "./log-line.ts";

const record: AccessRecord = {
  endMs: Date.UTC(2026, 10, 3, 4, 5, 6, 789),
  address: "192.0.2.7",
  user: "",
  request: "GET /products/7 HTTP/1.1",
  status: 200,
  bytes: 1234,
  referrer: "",
  userAgent: "test/1",
  durationMs: 1042.4,
  tries: [{ address: "127.0.0.1:18081", status: 200, durationMs: 7 }],
};

test("a line has the fields and the order of the nginx format", () => {
  expect(accessLine(record)).toBe(
    '192.0.2.7 - - [03/Nov/2026:04:05:06 +0000] "GET /products/7 HTTP/1.1" 200 1234 "-" "test/1" ' +
      'rt=1.042 ua="127.0.0.1:18081" us="200" ut="0.007"',
  );
});

test("several upstream tries are listed in order, and none is a dash", () => {
  const tries = [
    { address: "127.0.0.1:1", status: 502, durationMs: 0 },
    { address: "127.0.0.1:2", status: 200, durationMs: 12 },
  ];
  expect(accessLine({ ...record, tries })).toContain(
    'ua="127.0.0.1:1, 127.0.0.1:2" us="502, 200" ut="0.000, 0.012"',
  );
  expect(accessLine({ ...record, tries: [] })).toContain('ua="-" us="-" ut="-"');
});

test("client input cannot end a field or a line", () => {
  const line = accessLine({ ...record, userAgent: 'a" 500 "\n\u001b[2Jé\\' });
  expect(line).toContain(String.raw`"a\x22 500 \x22\x0A\x1B[2J\xC3\xA9\x5C"`);
});
