import { expect, test } from "vitest";

import { levelOf, summaryOf, timeOf } from "./event-summary.ts";

const event = (fields: Record<string, unknown>) => ({ id: "src_a:0", fields });

test("an event's outcome is a shape and a word", () => {
  const status = (code: number) => levelOf(event({ "http.response.status_code": code }));
  expect([204, 404, 503].map((code) => status(code).glyph)).toEqual(["●", "◆", "▲"]);
  expect(levelOf(event({ "log.level": "crit" })).tone).toBe("error");
  expect(levelOf(event({ "event.kind": "pipeline_error" })).word).toBe("quarantined");
  expect(levelOf(event({})).tone).toBe("notice");
});

test("a request is summarised by its request line, other events by their message", () => {
  const request = { "http.request.method": "GET", "url.original": "/a", "event.duration": 2e6 };
  expect(summaryOf(event(request))).toBe("GET  /a  2 ms");
  expect(summaryOf(event({ message: "boom" }))).toBe("boom");
  expect(summaryOf(event({ odd: 1 }))).toBe('{"odd":1}');
});

test("a time is parsed from text or number, and an invalid one is null", () => {
  expect(timeOf(event({ "@timestamp": "2015-05-17T10:05:03.000Z" }))).toBe(1431857103000);
  expect(timeOf(event({ "@timestamp": 5 }))).toBe(5);
  expect(timeOf(event({ "@timestamp": "soon" }))).toBeNull();
});
