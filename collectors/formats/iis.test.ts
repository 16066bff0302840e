import { expect, test } from "vitest";

import { detectFormat } from "../detect.ts";
import { parseLine, parseLines } from "./parse-lines.ts";

const HEADER =
  "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2026-03-14 10:00:00\n";
const LINE =
  "2026-03-14 10:11:12 10.0.0.7 GET /shop/cart.aspx id=7&a=b+c 443 ann 203.0.113.9 Mozilla/5.0+(Probe;+x64) https://shop.example/ 500 19 5 1234";

test("a line with the default fields needs no header line; its time is in UTC", () => {
  expect(parseLine("iis.access", LINE)).toMatchObject({
    "@timestamp": "2026-03-14T10:11:12.000Z",
    "event.duration": 1_234_000_000,
    "event.outcome": "failure",
    "destination.port": 443,
    "source.ip": "203.0.113.9",
    "url.extension": "aspx",
    "url.query": "id=7&a=b c",
    "user.name": "ann",
    "user_agent.original": "Mozilla/5.0 (Probe; x64)",
    "iis.access.sub_status": 19,
    "iis.access.win32_status": 5,
  });
});

test("fields in another order and of one's own are read as the latest header line names them", () => {
  const lines = [
    `${HEADER}#Fields: time c-ip cs-method sc-status date X-Azure-Ref`,
    "10:11:12 fe80::1%12 GET 200 2026-03-14 0abc",
    "#Fields: date time cs-method sc-status time-taken",
    "2026-03-14 10:11:13 POST 503 7",
  ];
  const [first, second, ...more] = parseLines("iis.access", lines.join("\r\n"));
  expect(more).toEqual([]);
  expect(first).toMatchObject({
    "source.address": "fe80::1%12",
    "source.ip": "fe80::1",
    "iis.access.x_azure_ref": "0abc",
  });
  expect(second).toMatchObject({ "http.request.method": "POST", "event.duration": 7_000_000 });
});

test("a line that has too few fields is quarantined, and says how many were expected", () => {
  const [document] = parseLines(
    "iis.access",
    "#Fields: date time cs-method sc-status\n2026-03-14 10:11:12 GET\n",
  );
  expect(document?.["error.message"]).toBe(
    "not an IIS line: 3 fields instead of the 4 of its header line",
  );
});

test("a refused connection of HTTP.sys has its reason, and no request", () => {
  const line =
    "2026-03-14 10:11:12 203.0.113.9 4711 10.0.0.7 443 - - - - - - Timer_ConnectionIdle - TCP";
  const document = parseLine("iis.error", line);
  expect(document).toMatchObject({
    "iis.error.reason_phrase": "Timer_ConnectionIdle",
    "iis.error.transport": "TCP",
    "source.port": 4711,
  });
  expect(document).not.toHaveProperty("http.request.method");
});

test.each([
  ["iis.access", LINE],
  ["iis.access", `${HEADER}#Fields: date time cs-method sc-status`],
  [
    "iis.error",
    "#Software: Microsoft HTTP API 2.0\n#Version: 1.0\n#Date: 2026-03-14 10:00:00\n#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri sc-status s-siteid s-reason s-queuename\n2026-03-14 10:11:12 203.0.113.9 4711 10.0.0.7 80 HTTP/1.1 GET / 400 - URL -",
  ],
])("%s is detected by its content, also if there are only header lines", (dataset, lines) => {
  expect(detectFormat(Buffer.from(`${lines}\r\n`)).format?.dataset).toBe(dataset);
});
