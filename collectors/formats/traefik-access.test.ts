import { expect, test } from "vitest";

import { detectFormat } from "../detect.ts";
import { AT, COMBINED, parseLine } from "./parse-lines.ts";

const LINE = `${COMBINED} 42 "shop@docker" "http://10.0.0.7:8080" 12ms`;
const JSON_LINE = JSON.stringify({
  ClientHost: "203.0.113.9",
  ClientPort: "4711",
  DownstreamContentSize: 512,
  DownstreamStatus: 404,
  Duration: 12_345_678,
  OriginStatus: 404,
  RequestHost: "shop.example",
  RequestMethod: "GET",
  RequestPath: "/cart?id=7",
  RequestProtocol: "HTTP/1.1",
  RequestScheme: "https",
  RouterName: "shop@docker",
  ServiceName: "shop@docker",
  ServiceURL: "http://10.0.0.7:8080",
  StartUTC: "2026-03-14T10:11:12.345678901Z",
  "request_User-Agent": "Probe/1.0",
  time: "2026-03-14T10:11:12Z",
});

test("a line has the router, the server and the duration", () => {
  expect(parseLine("traefik.access", LINE)).toMatchObject({
    "event.duration": 12_000_000,
    "traefik.access.request_count": 42,
    "traefik.access.frontend_name": "shop@docker",
    "traefik.access.backend_url": "http://10.0.0.7:8080",
  });
});

test("a line for which no router was found has neither router nor server", () => {
  const line = `203.0.113.9 - - ${AT} "GET / HTTP/1.1" 404 19 "-" "-" 43 "-" "-" 0ms`;
  const document = parseLine("traefik.access", line);
  expect(document).toMatchObject({ "event.duration": 0, "event.outcome": "failure" });
  expect(document).not.toHaveProperty("traefik.access.frontend_name");
});

test("a combined line without Traefik's own fields is refused", () => {
  expect(parseLine("traefik.access", COMBINED)["error.message"]).toContain("not a Traefik line");
});

test("a JSON line has the request, in Traefik's own names", () => {
  expect(parseLine("traefik.access", JSON_LINE)).toMatchObject({
    "@timestamp": "2026-03-14T10:11:12.345Z",
    "event.duration": 12_345_678,
    "traefik.access.frontend_name": "shop@docker",
    "http.request.method": "GET",
    "http.response.status_code": 404,
    "http.response.body.bytes": 512,
    "source.ip": "203.0.113.9",
    "url.path": "/cart",
    "user_agent.original": "Probe/1.0",
  });
});

test.each([LINE, JSON_LINE])("it is detected by its content: %s", (line) => {
  expect(detectFormat(Buffer.from(`${line}\n`)).format?.dataset).toBe("traefik.access");
});
