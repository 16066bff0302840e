import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { detectFormat } from "../../detect.ts";
import { parseLine, parseLines } from "../parse-lines.ts";
import { COMBINED } from "../parse-lines.ts";

const AT = "2026-03-14T10:11:12.345Z";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

/** In the zone of the tests, an hour east of UTC. */
const HEADS: [string, string, Record<string, unknown>][] = [
  [
    "logback",
    "2026-03-14 11:11:12.345 [main] ERROR com.example.Shop - declined",
    { thread: "main", logger: "com.example.Shop" },
  ],
  [
    "log4j",
    "2026-03-14 11:11:12,345 ERROR [main] com.example.Shop: declined",
    { thread: "main", logger: "com.example.Shop" },
  ],
  [
    "Spring Boot",
    "2026-03-14T10:11:12.345Z ERROR 17 --- [shop] [nio-8080-exec-1] com.example.Shop                : declined",
    { thread: "nio-8080-exec-1", logger: "com.example.Shop", pid: 17 },
  ],
  [
    "ZooKeeper",
    "2026-03-14 11:11:12,345 [myid:1] - ERROR [main:Shop@12] - declined",
    { thread: "myid:1" },
  ],
  [
    "Cassandra",
    "ERROR [main] 2026-03-14 11:11:12,345 Shop.java:12 - declined",
    { thread: "main", logger: "Shop.java:12" },
  ],
  [
    "Dropwizard",
    "ERROR [2026-03-14 10:11:12,345Z] com.example.Shop: declined",
    { logger: "com.example.Shop" },
  ],
  [
    "Elasticsearch",
    "[2026-03-14T11:11:12,345][ERROR][o.e.n.Node               ] [node-1] declined",
    { logger: "o.e.n.Node", thread: "node-1" },
  ],
  ["Python", "2026-03-14 11:11:12,345 - shop.pay - ERROR - declined", { logger: "shop.pay" }],
  ["Python without dashes", "2026-03-14 11:11:12,345 shop ERROR declined", { logger: "shop" }],
  ["gunicorn", "[2026-03-14 10:11:12.345 +0000] [17] [ERROR] declined", { pid: 17 }],
  ["Celery", "[2026-03-14 11:11:12,345: ERROR/MainProcess] declined", { thread: "MainProcess" }],
  [
    "loguru",
    "2026-03-14 11:11:12.345 | ERROR    | shop.pay:charge:12 - declined",
    { logger: "shop.pay:charge:12" },
  ],
  ["Ruby", "E, [2026-03-14T11:11:12.345678 #17] ERROR -- : declined", { pid: 17 }],
  ["Rust", "2026-03-14T10:11:12.345678Z ERROR shop::pay: declined", { logger: "shop::pay" }],
  ["env_logger", "[2026-03-14T10:11:12.345Z ERROR shop::pay] declined", {}],
  [
    "tracing in colour",
    "\u001B[2m2026-03-14T10:11:12.345Z\u001B[0m \u001B[31mERROR\u001B[0m \u001B[2mshop::pay\u001B[0m\u001B[2m:\u001B[0m declined",
    { logger: "shop::pay" },
  ],
  ["Monolog", "[2026-03-14T10:11:12.345+00:00] app.ERROR: declined", { logger: "app" }],
  ["Serilog", "2026-03-14 10:11:12.345 +00:00 [ERR] declined", {}],
  ["log4js", "[2026-03-14T11:11:12.345] [ERROR] shop - declined", { logger: "shop" }],
  ["zap", "2026-03-14T10:11:12.345Z\tERROR\tshop\tpay/pay.go:12\tdeclined", { logger: "shop" }],
  ["winston", "2026-03-14T10:11:12.345Z [error]: declined", {}],
  ["klog", "E0314 11:11:12.345678      17 pay.go:12] declined", { pid: 17, logger: "pay.go:12" }],
  [
    "Envoy's own log",
    "[2026-03-14 11:11:12.345][17][error][main] [source/server.cc:404] declined",
    { pid: 17, thread: "main" },
  ],
];

describe("lines for people", () => {
  test.each(HEADS)("%s", (_name, line, { thread, logger, pid }) => {
    const document = parseLine("app.log", line);
    expect(document).toMatchObject({
      "@timestamp": AT,
      "log.level": "error",
      "event.type": ["error"],
      ...(thread !== undefined && { "process.thread.name": thread }),
      ...(logger !== undefined && { "log.logger": logger }),
      ...(pid !== undefined && { "process.pid": pid }),
    });
    expect(document["message"]).toMatch(/declined$/);
    expect(String(document["message"]).length).toBeLessThan(40);
    expect(detectFormat(Buffer.from(`${line}\n`)).format?.dataset).toBe("app.log");
  });

  test.each([
    [
      "Python's default",
      "WARNING:shop.pay:declined",
      { "log.level": "warning", "log.logger": "shop.pay" },
    ],
    [
      "uvicorn",
      "INFO:     Started server process [17]",
      { message: "Started server process [17]" },
    ],
    [
      "logback with a clock only",
      "10:11:12.345 [main] WARN com.example.Shop -- declined",
      { "log.level": "warn" },
    ],
    [
      "Nest",
      "[Nest] 17  - 03/14/2026, 11:11:12 AM     LOG [Factory] Starting",
      { "log.level": "info", message: "Starting" },
    ],
    [
      "winston with fields",
      `info: saved {"orderId":7,"timestamp":"${AT}"}`,
      { "@timestamp": AT, orderId: 7 },
    ],
    [
      "two digits of a year",
      "26/03/14 11:11:12 INFO Shop: Started",
      { "@timestamp": "2026-03-14T10:11:12.000Z" },
    ],
  ])("%s", (_name, line, fields) => {
    expect(parseLine("app.log", line)).toMatchObject(fields);
  });

  test.each([
    [
      "Spring Boot",
      `2026-03-14T10:11:12Z INFO 17 --- [shop] [main] [${TRACE}-${SPAN}] c.e.Shop : x`,
    ],
    ["Sleuth", `2026-03-14 10:11:12 INFO [shop,${TRACE},${SPAN}] 17 --- [main] c.e.Shop : x`],
    ["traceparent", `2026-03-14 10:11:12 INFO x traceparent=00-${TRACE}-${SPAN}-01`],
    ["names", `2026-03-14 10:11:12 INFO x trace_id=${TRACE} span_id=${SPAN}`],
  ])("the trace of %s", (_name, line) => {
    expect(parseLine("app.log", line)).toMatchObject({ "trace.id": TRACE, "span.id": SPAN });
  });

  test.each([
    "hello",
    "2026-03-14 10:11:12 Server started",
    "2026-03-14 10:11:12 The ERROR page was shown",
    "Error",
    COMBINED,
    "INFORMATIVE: text",
    "ERRORS: 7",
  ])("%s is no line", (line) => {
    const [document] = parseLines("app.log", line);
    expect(document?.["event.kind"]).toBe("pipeline_error");
  });

  test("any text is read or refused", () => {
    const pieces = fc.constantFrom(
      "2026-03-14 10:11:12",
      " ",
      "[",
      "]",
      "ERROR",
      "error",
      " - ",
      ": ",
      "\t",
      '{"a":1}',
      "com.a.B",
      "17",
      "\n",
      "\tat a.b(c.java:1)",
      "\u001B[31m",
      "Traceback (most recent call last):",
    );
    const texts = fc.array(pieces, { maxLength: 24 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(texts, (text) => {
        for (const document of parseLines("app.log", text, "text"))
          expect(document["event.kind"]).toMatch(/^(?:event|pipeline_error)$/);
      }),
    );
  });

  test("long lines take no longer than their length", () => {
    for (const piece of ["[", "a.", " ", ": ", '{"', "\n\n", "\n at", "Error: "]) {
      const text = `2026-03-14 10:11:12 ERROR ${piece.repeat(300_000)}`;
      expect(parseLines("app.log", text, "text").length).toBeGreaterThan(0);
    }
  });
});

const JAVA = `java.lang.IllegalStateException: no cart
\tat com.example.Shop.pay(Shop.java:9)
Caused by: java.io.IOException: closed
\t... 12 more`;
const PYTHON = `Traceback (most recent call last):
  File "pay.py", line 3, in pay
    charge()
  File "pay.py", line 7, in charge
shop.errors.Declined: no cart`;
const NODE = `TypeError: no cart
    at pay (/srv/pay.js:3:9)
    at node:internal/main:1:2 {
  code: 'E_CART'
}`;
const GO = `goroutine 1 [running]:
main.main()
\t/src/main.go:7 +0x39
exit status 2`;

describe("stack traces", () => {
  test.each([
    [
      "Java",
      "2026-03-14 10:11:12,345 ERROR [main] com.example.Shop: declined",
      JAVA,
      { "error.type": "java.lang.IllegalStateException", "error.message": "no cart" },
    ],
    [
      "Python",
      "2026-03-14 10:11:12,345 ERROR shop.pay: declined",
      PYTHON,
      { "error.type": "shop.errors.Declined", "error.message": "no cart" },
    ],
    [
      "Node",
      "2026-03-14T10:11:12.345Z [error]: declined",
      NODE,
      { "error.type": "TypeError", "error.message": "no cart" },
    ],
    ["Go", "2026-03-14T10:11:12Z\tERROR\tdeclined", GO, {}],
  ])("the trace of %s belongs to the event before it", (_name, line, trace, fields) => {
    const next = "2026-03-14 10:11:13,000 INFO next";
    const documents = parseLines("app.log", `${line}\n${trace}\n${next}\n`, "text");
    expect(documents).toHaveLength(2);
    expect(documents[0]).toMatchObject({
      ...fields,
      message: "declined",
      "error.stack_trace": trace,
      "event.original": `${line}\n${trace}`,
    });
    expect(documents[1]).toMatchObject({ message: "next" });
  });

  test("the title of a trace may be in the message", () => {
    const [document] = parseLines(
      "app.log",
      "2026-03-14 10:11:12 ERROR payment: TypeError: no cart\n    at pay (/srv/pay.js:3:9)",
      "text",
    );
    expect(document).toMatchObject({ "error.type": "TypeError", "error.message": "no cart" });
  });

  test.each([
    [
      "Java",
      `Exception in thread "main" ${JAVA}`,
      { "error.type": "java.lang.IllegalStateException", "error.message": "no cart" },
    ],
    [
      "Python",
      PYTHON,
      { "error.type": "shop.errors.Declined", message: "shop.errors.Declined: no cart" },
    ],
    [
      "Node",
      `/srv/pay.js:3\n  throw new TypeError("no cart");\n  ^\n${NODE}\nNode.js v24.1.0`,
      { "error.type": "TypeError", "error.message": "no cart" },
    ],
    ["Go", `panic: no cart\n${GO}`, { "error.type": "panic", "error.message": "no cart" }],
  ])("what %s writes when a program ends by an error is one event", (_name, trace, fields) => {
    const documents = parseLines("app.log", `${trace}\n`, "text");
    expect(documents).toHaveLength(1);
    expect(documents[0]).toMatchObject({
      "log.level": "error",
      "error.stack_trace": trace,
      ...fields,
    });
  });
});
