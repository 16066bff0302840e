import { expect, test } from "vitest";

import { detectFormat } from "../detect.ts";
import { parseLine } from "./parse-lines.ts";

const TIME = "14/Mar/2026:10:11:12.345";

/** The format with nested objects that many configurations have copied. */
const NESTED = {
  host: "edge-1",
  ident: "haproxy",
  pid: 44,
  time: "14/Mar/2026:11:11:12 +0200",
  haproxy: {
    conn: { act: 5, fe: 4, be: 3, srv: 2 },
    queue: { backend: 1, srv: 0 },
    time: { tq: 1, tw: 2, tc: 3, tr: 580, tt: 595 },
    termination_state: "----",
    retries: 0,
    network: {
      client_ip: "192.0.2.7",
      client_port: 48548,
      frontend_ip: "192.0.2.9",
      frontend_port: 443,
    },
    ssl: { version: "TLSv1.3", ciphers: "TLS_AES_128_GCM_SHA256" },
    request: {
      method: "GET",
      uri: "/health/?a=1",
      protocol: "HTTP/1.1",
      header: { host: "shop.example:8443", xforwardfor: "-", referer: "https://x.example/" },
    },
    name: { backend: "app", frontend: "web~", server: "s1" },
    response: { status_code: 404, header: { xrequestid: "r-1" } },
    bytes: { uploaded: 120, read: 9085 },
  },
};

const FLAT = {
  type: "haproxy",
  timestamp: 1773483072,
  http_status: 404,
  http_request: "GET /health/?a=1 HTTP/1.1",
  remote_addr: "192.0.2.7",
  bytes_read: 9085,
  upstream_addr: "10.0.0.5",
  backend_name: "app",
  retries: 0,
  bytes_uploaded: 120,
  upstream_response_time: "580",
  upstream_connect_time: "3",
  session_duration: "595",
  termination_state: "--",
};

const PREFIXED = {
  pid: 44,
  haproxy_frontend_type: "http",
  haproxy_process_concurrent_connections: 5,
  haproxy_queue_wait_time: 2,
  haproxy_server_wait_time: 3,
  response_time: 580,
  session_duration: 595,
  request_termination_state: "----",
  remote_addr: "192.0.2.7",
  remote_port: 48548,
  request_method: "GET",
  request_uri: "/health/?a=1",
  request_http_version: "HTTP/1.1",
  host: "shop.example",
  haproxy_frontend_name: "web",
  haproxy_backend_name: "app",
  haproxy_server_name: "s1",
  status: 404,
  bytes_uploaded: 120,
  bytes_read: 9085,
};

const VARIABLES = {
  tr: TIME,
  ci: "192.0.2.7",
  cp: "48548",
  ft: "web",
  b: "app",
  s: "s1",
  TR: "1",
  Tw: "2",
  Tc: "3",
  Tr: "580",
  Ta: "595",
  ST: "404",
  B: "9085",
  tsc: "----",
  ac: "5",
  fc: "4",
  bc: "3",
  sc: "2",
  rc: "0",
  sq: "0",
  bq: "1",
  HM: "GET",
  HU: "/health/?a=1",
  HV: "HTTP/1.1",
};

test.each([
  ["nested objects", NESTED, "2026-03-14T09:11:12.000Z"],
  ["names like those of nginx", FLAT, "2026-03-14T10:11:12.000Z"],
  ["names with the prefix haproxy", { ...PREFIXED, timestamp: TIME }, "2026-03-14T09:11:12.345Z"],
  ["the names of HAProxy's variables", VARIABLES, "2026-03-14T09:11:12.345Z"],
])(
  "JSON of HAProxy with %s is a request with its client, status, duration and backend",
  (_name, fields, time) => {
    const line = JSON.stringify(fields);
    for (const head of ["", "<134>Mar 14 10:11:12 edge-1 haproxy[44]: "]) {
      expect(detectFormat(Buffer.from(`${head}${line}\n`.repeat(3))).format?.dataset).toBe(
        "haproxy.log",
      );
      expect(parseLine("haproxy.log", head + line)).toMatchObject({
        "@timestamp": time,
        "source.ip": "192.0.2.7",
        "http.request.method": "GET",
        "url.path": "/health/",
        "url.query": "a=1",
        "http.version": "1.1",
        "http.response.status_code": 404,
        "http.response.bytes": 9085,
        "event.duration": 595e6,
        "haproxy.backend_name": "app",
        "haproxy.connection_wait_time_ms": 3,
        "haproxy.http.request.time_wait_without_data_ms": 580,
        "event.category": ["web"],
      });
    }
  },
);

test("the fields of nested JSON of HAProxy have their ECS names", () => {
  expect(parseLine("haproxy.log", JSON.stringify(NESTED))).toMatchObject({
    "host.name": "edge-1",
    "process.pid": 44,
    "source.port": 48548,
    "url.domain": "shop.example",
    "url.port": 8443,
    "tls.version": "1.3",
    "tls.cipher": "TLS_AES_128_GCM_SHA256",
    "http.request.referrer": "https://x.example/",
    "http.request.id": "r-1",
    "http.request.bytes": 120,
    "haproxy.server_name": "s1",
    "haproxy.frontend_name": "web~",
    "haproxy.connections.active": 5,
    "haproxy.connections.server": 2,
    "haproxy.backend_queue": 1,
    "haproxy.http.request.time_wait_ms": 1,
    "haproxy.total_waiting_time_ms": 2,
    "haproxy.termination_state": "----",
  });
});

test("a session in TCP mode as JSON is a connection", () => {
  const { HM: _m, HU: _u, HV: _v, ST: _s, ...session } = VARIABLES;
  expect(parseLine("haproxy.log", JSON.stringify(session))).toMatchObject({
    "event.category": ["network"],
    "event.type": ["connection"],
  });
});

test("JSON without a time has that of its header", () => {
  const head = "2026-03-14T10:11:12+02:00 edge-1 haproxy[44]: ";
  expect(parseLine("haproxy.log", head + JSON.stringify(PREFIXED))).toMatchObject({
    "@timestamp": "2026-03-14T08:11:12.000Z",
    "host.name": "edge-1",
  });
});

test("JSON of other programs is not of HAProxy", () => {
  const others = [
    { "@timestamp": "2026-03-14T10:11:12Z", message: "x", "log.level": "info" },
    {
      time_local: TIME,
      remote_addr: "192.0.2.7",
      request: "GET / HTTP/1.1",
      status: 200,
      upstream_connect_time: "0.003",
    },
    { "@timestamp": "2026-03-14T10:11:12Z", source: { ip: "192.0.2.7" }, backend: "x" },
  ];
  for (const fields of others) {
    const sample = Buffer.from(`${JSON.stringify(fields)}\n`.repeat(3));
    expect(detectFormat(sample).format?.dataset).not.toBe("haproxy.log");
  }
});
