import * as fc from "fast-check";
import { expect, test } from "vitest";

import { detectFormat } from "#collectors/detect.ts";

import { parseLine, parseLines } from "../parse-lines.ts";
import { parseLogfmt } from "./logfmt.ts";

test("a line has the fields of its pairs", () => {
  const line = String.raw`time=2026-03-14T10:11:12.345Z level=WARN msg="say \"hi\"\n\x1b" n=7 ok id=0012 error="no cart" trace_id=4bf92f3577b34da6a3ce929d0e0e4736`;
  expect(parseLine("app.logfmt", line)).toMatchObject({
    "@timestamp": "2026-03-14T10:11:12.345Z",
    "log.level": "warn",
    message: 'say "hi"\n\u001B',
    n: 7,
    ok: true,
    id: "0012",
    "error.message": "no cart",
    "trace.id": "4bf92f3577b34da6a3ce929d0e0e4736",
  });
});

test("a line of Heroku's router is a request", () => {
  const line =
    'at=info method=GET path="/shop?id=7" host=shop.example request_id=8601b555 fwd="203.0.113.9" dyno=web.1 connect=1ms service=18ms status=200 bytes=13 protocol=https';
  expect(parseLine("app.logfmt", line)).toMatchObject({
    "log.level": "info",
    "http.request.method": "GET",
    "url.path": "/shop",
    "http.response.status_code": 200,
    "http.request.id": "8601b555",
    "http.response.body.bytes": 13,
  });
});

test.each([
  ["hello world", "does not begin with name=value"],
  ["a=1 b=2", "no level, message or time"],
  ['level=info msg="x', "do not end"],
  ["level=info msg=x [y]", "is no name"],
])("%s is no line", (line, reason) => {
  const [document] = parseLines("app.logfmt", line);
  expect(document?.["event.kind"]).toBe("pipeline_error");
  expect(document?.["error.message"]).toContain(reason);
});

test("logfmt is detected", () => {
  const line = 'ts=2026-03-14T10:11:12Z level=info caller=main.go:7 msg="Starting"\n';
  expect(detectFormat(Buffer.from(line.repeat(3))).format?.dataset).toBe("app.logfmt");
});

test("what is written as logfmt is read back", () => {
  const values = fc.oneof(
    fc.string().filter((text) => !text.includes("\u2028")),
    fc.integer(),
    fc.stringMatching(/^[a-z][a-z.:/]{0,8}$/),
  );
  const pairs = fc.dictionary(fc.stringMatching(/^[a-z_][a-z0-9_.]{0,8}$/), values, { minKeys: 1 });
  const written = (value: string | number): string =>
    typeof value === "number" || /^[a-z][a-z.:/]*$/.test(value)
      ? String(value)
      : JSON.stringify(value);
  fc.assert(
    fc.property(pairs, (record) => {
      const line = Object.entries(record).map(([name, value]) => `${name}=${written(value)}`);
      expect(parseLogfmt(line.join(" "))).toEqual(new Map(Object.entries(record)));
    }),
  );
});

test("any text is parsed or refused in time linear in its length", () => {
  for (const piece of ["a=", 'a="\\', "a ", '="', "\\\\", "a=b "]) {
    const found = parseLogfmt(piece.repeat(300_000));
    expect(typeof found === "string" || found.size < 501).toBe(true);
  }
});
