import { describe, expect, test } from "vitest";

import { parseLine, parseLines } from "../parse-lines.ts";

const REQUEST = { "http.request.method": "GET", "url.path": "/cart", "event.outcome": "success" };

test.each([
  ['INFO:     203.0.113.9:4711 - "GET /cart HTTP/1.1" 200 OK', { "source.port": 4711 }],
  [
    'INFO:werkzeug:203.0.113.9 - - [14/Mar/2026 10:11:12] "GET /cart HTTP/1.1" 200 -',
    { "@timestamp": "2026-03-14T09:11:12.000Z", "source.ip": "203.0.113.9" },
  ],
  [
    '[14/Mar/2026 10:11:12] "GET /cart HTTP/1.1" 200 2214',
    { "@timestamp": "2026-03-14T09:11:12.000Z", "http.response.body.bytes": 2214 },
  ],
  [
    '203.0.113.9 -  14/Mar/2026:10:11:12 +0000 "GET /cart" 200',
    { "@timestamp": "2026-03-14T10:11:12.000Z", "source.ip": "203.0.113.9" },
  ],
  [
    '[GIN] 2026/03/14 - 10:11:12 | 200 |     1.2345ms |       203.0.113.9 | GET      "/cart"',
    { "@timestamp": "2026-03-14T09:11:12.000Z", "event.duration": 1_234_500 },
  ],
  ["GET /cart 200 1.234 ms - 12", { "event.duration": 1_234_000, "http.response.body.bytes": 12 }],
  ["GET /cart 200 - - 1.234 ms", { "event.duration": 1_234_000 }],
  [
    "\u001B[0mGET /cart \u001B[32m200\u001B[0m 1.234 ms - 12\u001B[0m",
    { "event.duration": 1_234_000 },
  ],
  ["::1 - GET /cart HTTP/1.1 200 12 - 1.234 ms", { "source.ip": "::1", "http.version": "1.1" }],
])("%s is a request", (line, fields) => {
  expect(parseLine("app.access", line)).toMatchObject({ ...REQUEST, ...fields });
});

test.each([
  "GET /cart is slow",
  "INFO:     Application startup complete.",
  '[99/Mar/2026 10:11:12] "GET /cart HTTP/1.1" 200 2214',
  "[GIN-debug] Listening and serving HTTP on :8080",
])("%s is none", (line) => {
  expect(parseLine("app.access", line)["event.kind"]).toBe("pipeline_error");
});

describe("logfmt of Rails", () => {
  test("has the duration in milliseconds and the error in apostrophes", () => {
    const line =
      "method=GET path=/cart format=html controller=CartController action=show status=200 error='it's RuntimeError: no cart' duration=12.31 view=5.10";
    expect(parseLine("app.logfmt", line)).toMatchObject({
      ...REQUEST,
      "event.duration": 12_310_000,
      "error.message": "it's RuntimeError: no cart",
    });
  });
});

test.each([
  ["2026/03/14 10:11:12 listening on :8080", { message: "listening on :8080" }],
  [
    "2026/03/14 10:11:12.123456 main.go:42: listening",
    { message: "listening", "log.logger": "main.go:42" },
  ],
  ["10:11AM INF started port=8080", { "log.level": "info", message: "started port=8080" }],
  [
    "warn: Shop.Cart[7] cart is old",
    { "log.level": "warn", "log.logger": "Shop.Cart", message: "cart is old" },
  ],
  [
    "[14-Mar-2026 10:11:12 America/New_York] PHP Warning:  no cart in /srv/a.php on line 7",
    {
      "@timestamp": "2026-03-14T14:11:12.000Z",
      "log.level": "warning",
      message: "no cart in /srv/a.php on line 7",
    },
  ],
  ["[14-Mar-2026 10:11:12 UTC] no cart", { "@timestamp": "2026-03-14T10:11:12.000Z" }],
  ["[14-Mar-2026 10:11:12 Mars/Base] no cart", { "@timestamp": "2026-03-14T09:11:12.000Z" }],
])("%s is a line of an application", (line, fields) => {
  expect(parseLine("app.log", line)).toMatchObject(fields);
});

test(".NET's messages are on the lines after their level", () => {
  const [event] = parseLines(
    "app.log",
    "fail: Shop.Pay[0]\n      declined\n      System.Exception: no cart\n         at Shop.Pay()\n",
    "text",
  );
  expect(event).toMatchObject({
    "log.logger": "Shop.Pay",
    message: "declined",
    "error.type": "System.Exception",
    "error.message": "no cart",
  });
});
