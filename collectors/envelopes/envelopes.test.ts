import * as fc from "fast-check";
import { expect, test } from "vitest";

import { detectFormat } from "../detect.ts";
import { NOW_MS, parseLine, parseLines } from "../formats/parse-lines.ts";
import { Parser, type Document } from "../parse.ts";
import { UTC } from "../zone.ts";
import { containerOfPath } from "./container-path.ts";
import { unwrap } from "./unwrap.ts";

const ACCESS =
  '203.0.113.5 - - [14/Mar/2026:10:11:12 +0000] "GET /x HTTP/1.1" 200 343 "-" "curl/8"';
const ESC = String.fromCharCode(27);
const CONTEXT = { zone: UTC, nowMs: NOW_MS };
const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");
const docker = (log: string, stream = "stdout"): string =>
  JSON.stringify({ log, stream, time: "2026-03-14T10:11:12.345678901Z" });

/** The documents of a log whose formats are detected, as `quarterdeck parse` does it. */
function detected(log: string, mode: "lines" | "text" = "lines"): Document[] {
  const bytes = Buffer.from(log);
  const { format } = detectFormat(bytes);
  if (!format) throw new Error("no format");
  const rules = { signIn: [], signOut: [] };
  const parser = new Parser({ ...CONTEXT, format, hasOthers: true, mode, all: true, rules });
  return [...parser.push(bytes), ...parser.end()];
}

const SYSLOG = { "host.name": "edge-1", "host.hostname": "edge-1", "process.name": "nginx" };
const ENVELOPES: [string, string, Record<string, unknown>][] = [
  ["CRI", `2026-03-14T10:11:12.345678901Z stdout F ${ACCESS}`, { "log.iostream": "stdout" }],
  [
    "CRI of containerd, without zeros",
    `2026-03-14T10:11:12Z stderr F ${ACCESS}`,
    { "log.iostream": "stderr" },
  ],
  [
    "CRI with an offset",
    `2026-03-14T10:11:12.345678901+01:00 stderr F ${ACCESS}`,
    { "log.iostream": "stderr" },
  ],
  ["Docker's json-file", docker(`${ACCESS}\n`), { "log.iostream": "stdout" }],
  ["Docker Compose", `web-1  | ${ACCESS}`, { "container.name": "web-1" }],
  [
    "Docker Compose with colours",
    `${ESC}[36mweb-1  | ${ESC}[0m${ACCESS}`,
    { "container.name": "web-1" },
  ],
  [
    "Docker Compose with bold colours and times",
    `${ESC}[36;1mshop_web_1  |${ESC}[0m 2026-03-14T10:11:12.345678901Z ${ACCESS}`,
    { "container.name": "shop_web_1" },
  ],
  ["kubectl logs --prefix", `[pod/web-5d9c/nginx] ${ACCESS}`, { "container.name": "nginx" }],
  ["kubectl logs --timestamps", `2026-03-14T10:11:12.345678901Z ${ACCESS}`, {}],
  ["RFC 3164", `<190>Mar 14 10:11:12 edge-1 nginx: ${ACCESS}`, SYSLOG],
  ["RFC 3164 with a single-digit day", `<190>Mar  4 10:11:12 edge-1 nginx: ${ACCESS}`, SYSLOG],
  [
    "RFC 5424",
    `<190>1 2026-03-14T10:11:12.3+01:00 edge-1 nginx 44 - - ${ACCESS}`,
    { ...SYSLOG, "process.pid": 44 },
  ],
  [
    "RFC 5424 with structured data",
    `<190>1 2026-03-14T10:11:12Z edge-1 nginx - ID4 [a@1 b="c \\] d"][e f="g"] \uFEFF${ACCESS}`,
    {
      ...SYSLOG,
      "log.syslog.msgid": "ID4",
      "log.syslog.structured_data.a@1.b": "c ] d",
      "log.syslog.structured_data.e.f": "g",
    },
  ],
  [
    "RFC 3164 without a tag",
    `<190>Mar 14 10:11:12 edge-1 ${ACCESS}`,
    { "host.name": "edge-1", "log.syslog.facility.code": 23 },
  ],
  [
    "RFC 3164 without time and host",
    `<190>nginx[44]: ${ACCESS}`,
    { "process.name": "nginx", "process.pid": 44, "log.syslog.severity.code": 6 },
  ],
  ["a syslog priority", `<190>${ACCESS}`, { "log.syslog.facility.code": 23 }],
  [
    "syslog with an ISO time",
    `2026-03-14T10:11:12.345678+01:00 edge-1 nginx[44]: ${ACCESS}`,
    { ...SYSLOG, "process.pid": 44 },
  ],
  [
    "journalctl -o short-iso",
    `2026-03-14T10:11:12+0100 edge-1 nginx[44]: ${ACCESS}`,
    { ...SYSLOG, "process.pid": 44 },
  ],
  [
    "journalctl -o short",
    `Mar 14 10:11:12 edge-1 nginx[44]: ${ACCESS}`,
    { ...SYSLOG, "process.pid": 44 },
  ],
  [
    "syslog in the output of a container",
    `2026-03-14T10:11:12.345678901Z stdout F <190>Mar 14 10:11:12 edge-1 nginx: ${ACCESS}`,
    { ...SYSLOG, "log.iostream": "stdout" },
  ],
];

test.each(ENVELOPES)(
  "%s: the envelope is no part of the line, and is kept in fields",
  (_name, line, fields) => {
    for (const document of [parseLine("nginx.access", line), ...detected(`${line}\n`)]) {
      expect(document).toMatchObject({
        "@timestamp": "2026-03-14T10:11:12.000Z",
        "source.ip": "203.0.113.5",
        "url.original": "/x",
        "http.response.status_code": 200,
        "user_agent.original": "curl/8",
        "event.original": line,
        ...fields,
      });
      expect(document).not.toHaveProperty(["url.domain"]);
    }
  },
);

test("lines of HAProxy keep their syslog header, which that format reads itself, also within another envelope", () => {
  const line =
    "<134>Mar 14 10:11:12 edge haproxy[7]: 203.0.113.9:5 [14/Mar/2026:10:11:12.345] db db/s1 1/0/30 212 SD 1/1/0/0/0 0/0";
  for (const wrapped of [line, `2026-03-14T10:11:12.345678901Z stdout F ${line}`]) {
    const [document] = detected(`${wrapped}\n`);
    expect(document).toMatchObject({ "data_stream.dataset": "haproxy.log", "host.name": "edge" });
  }
});

test.each([
  "2026-03-14T10:11:12.345678901Z stdout P ",
  "2026-03-14T10:11:12.345678901Z stdout P:x ",
])(
  "the parts of a line that the runtime split after %s are joined, also with parts of the other stream between them",
  (head) => {
    const rest = head.replace(/P(?::x)? $/, "F ");
    const other = head.replace("stdout", "stderr");
    const log = [
      head + ACCESS.slice(0, 20),
      `${other}2026/03/14 10:11:12 [err`,
      head + ACCESS.slice(20, 50),
      `${other.replace(/P(?::x)? $/, "F ")}or] 1#1: *5 failed`,
      rest + ACCESS.slice(50),
    ];
    const documents = detected(log.join("\n"));
    expect(documents.map((it) => [it["data_stream.dataset"], it["log.iostream"]])).toEqual([
      ["nginx.error", "stderr"],
      ["nginx.access", "stdout"],
    ]);
    expect(documents[1]).toMatchObject({
      "url.original": "/x",
      "event.original": [log[0], log[2], log[4]].join("\n"),
    });
  },
);

test("Docker's parts without a line end are joined", () => {
  const log = [
    docker(ACCESS.slice(0, 30)),
    docker(ACCESS.slice(30, 60)),
    docker(`${ACCESS.slice(60)}\n`),
  ];
  const [document, ...more] = detected(text(log));
  expect(more).toEqual([]);
  expect(document).toMatchObject({ "url.original": "/x", "event.original": log.join("\n") });
});

test("a line that the runtime split is read without its rest at the end of the log", () => {
  const [document] = detected(`2026-03-14T10:11:12.345678901Z stdout P ${ACCESS}`);
  expect(document).toMatchObject({ "url.original": "/x" });
});

test("the continuation of an error is joined within its stream", () => {
  const at = "2026-03-14T10:11:12.345678901Z";
  const log = [
    `${at} stderr F 2026/03/14 10:11:12 [error] 1#1: *5 PHP message: failed`,
    `${at} stdout F ${ACCESS}`,
    `${at} stderr F Stack trace:`,
    `${at} stdout F ${ACCESS}`,
    `${at} stderr F #0 main`,
  ];
  const documents = detected(log.join("\n"), "text");
  const error = documents.find((it) => it["data_stream.dataset"] === "nginx.error");
  expect(error?.["message"]).toBe("PHP message: failed\nStack trace:\n#0 main");
  expect(documents).toHaveLength(3);
});

test.each([
  ["a request with a pipe", `shop.example:80 ${ACCESS}`],
  [
    "a JSON document with a log object",
    '{"log":{"level":"info"},"@timestamp":"2026-03-14T10:11:12Z"}',
  ],
  ["a date", "Mar 14 10:11:12"],
  ["a time", "2026-03-14T10:11:12.345678901Z"],
  ["markup", "<p>1</p>"],
  ["a number that is no priority", "<192>text"],
])("%s is no envelope", (_name, line) => {
  const bytes = Buffer.from(line);
  expect(unwrap({ bytes, start: 0, end: bytes.length }, CONTEXT)).toBeUndefined();
});

test("whatever the bytes are, the body is a part of the line, and unwrapping ends", () => {
  const pieces = fc.constantFrom(
    "<1>1 ",
    "- ",
    "Mar 14 10:11:12 ",
    "h ",
    "p[1]: ",
    "web |",
    `${ESC}[3m`,
    '[a b="',
    "] ",
    " stdout P ",
    "2026-03-14T10:11:12.345678901Z",
    '{"log":"',
    '","time":""}',
    "x",
  );
  const lines = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.array(pieces, { maxLength: 20 }).map((parts) => Buffer.from(parts.join(""))),
  );
  fc.assert(
    fc.property(lines, (bytes) => {
      const found = unwrap({ bytes, start: 0, end: bytes.length }, CONTEXT);
      if (!found) return;
      const { start, end, bytes: body } = found.body;
      expect(start).toBeLessThanOrEqual(end);
      expect(end).toBeLessThanOrEqual(body.length);
    }),
  );
});

const ID = "0123456789abcdef".repeat(4);
test.each([
  [`/var/log/containers/web-5d9c_shop_nginx-${ID}.log`, { name: "nginx", id: ID }],
  [
    "/var/log/pods/shop_web-5d9c_01234567-89ab-cdef-0123-456789abcdef/nginx/0.log",
    { name: "nginx" },
  ],
  [`/var/lib/docker/containers/${ID}/${ID}-json.log`, { id: ID }],
  ["/var/log/nginx/access.log", undefined],
])("the container of %s", (path, container) => {
  expect(containerOfPath(path)).toEqual(container);
});

test("with a named dataset the lines of other formats stay in quarantine, with their envelope", () => {
  const [document] = parseLines("nginx.access", "2026-03-14T10:11:12.345678901Z stdout F junk");
  expect(document).toMatchObject({
    "event.kind": "pipeline_error",
    "event.original": "2026-03-14T10:11:12.345678901Z stdout F junk",
  });
});

test("a syslog priority is kept, and is the level of a line that states none, whatever its format", () => {
  const priority = {
    "log.syslog.facility.code": 23,
    "log.syslog.facility.name": "local7",
    "log.syslog.severity.code": 6,
    "log.syslog.severity.name": "Informational",
  };
  const heads = [
    "<190>Mar 14 10:11:12 edge-1 nginx: ",
    "<190>1 2026-03-14T10:11:12Z edge-1 nginx 44 - - ",
  ];
  for (const head of heads) {
    expect(parseLine("nginx.access", head + ACCESS)).toMatchObject({
      ...priority,
      "log.level": "info",
    });
    const failed = "2026/03/14 10:11:12 [crit] 12#34: *5 failed";
    expect(parseLine("nginx.error", head + failed)).toMatchObject({
      ...priority,
      "log.level": "crit",
    });
    const wrapped = docker(`${head}${ACCESS}\n`);
    expect(parseLine("nginx.access", wrapped)).toMatchObject({ ...priority, "log.level": "info" });
  }
  expect(parseLine("nginx.access", ACCESS)).not.toHaveProperty(["log.level"]);
});

test("an empty line of a container is no document", () => {
  const line = (rest: string): string => `2026-03-14T10:11:12.345678901Z stdout F${rest}`;
  const log = text([line(""), line(` ${ACCESS}`), line(" "), docker("\n"), line(` ${ACCESS}`)]);
  for (const mode of ["lines", "text"] as const) expect(detected(log, mode)).toHaveLength(2);
});
