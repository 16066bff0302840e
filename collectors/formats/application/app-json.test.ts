import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { detectFormat } from "#collectors/detect.ts";

import { parseLine, parseLines } from "../parse-lines.ts";

const AT = "2026-03-14T10:11:12.345Z";
const AT_S = Date.parse(AT) / 1000;
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

const json = (value: unknown): string => JSON.stringify(value);
const parse = (value: unknown) => parseLine("app.json", json(value));

/** A line of each library, and what it means in addition to its level, time and message. */
const LIBRARIES: Record<string, { line: unknown; fields: Record<string, unknown> }> = {
  pino: {
    line: {
      level: 50,
      time: Date.parse(AT),
      pid: 17,
      hostname: "web-1",
      name: "shop",
      reqId: "req-7",
      err: {
        type: "TypeError",
        message: "no cart",
        stack: "TypeError: no cart\n    at a (b.js:1:2)",
      },
      msg: "declined",
    },
    fields: {
      "process.pid": 17,
      "host.name": "web-1",
      "http.request.id": "req-7",
      "error.type": "TypeError",
      "error.message": "no cart",
      "error.stack_trace": "TypeError: no cart\n    at a (b.js:1:2)",
    },
  },
  winston: {
    line: { level: "error", message: "declined", timestamp: AT, service: "shop", orderId: 7 },
    fields: { "service.name": "shop", orderId: 7 },
  },
  bunyan: {
    line: { name: "shop", hostname: "web-1", pid: 17, level: 50, msg: "declined", time: AT, v: 0 },
    fields: { "service.name": "shop", "host.name": "web-1", "process.pid": 17 },
  },
  "log4j2 JsonLayout": {
    line: {
      instant: { epochSecond: Math.floor(AT_S), nanoOfSecond: 345_000_000 },
      thread: "main",
      level: "ERROR",
      loggerName: "com.example.Shop",
      message: "declined",
      thrown: {
        commonElementCount: 0,
        name: "java.lang.IllegalStateException",
        message: "no cart",
        extendedStackTrace: [
          { class: "com.example.Shop", method: "pay", file: "Shop.java", line: 9 },
        ],
      },
      threadId: 1,
      threadPriority: 5,
    },
    fields: {
      "process.thread.name": "main",
      "process.thread.id": 1,
      "log.logger": "com.example.Shop",
      "error.type": "java.lang.IllegalStateException",
      "error.message": "no cart",
      "error.stack_trace": "\tat com.example.Shop.pay(Shop.java:9)",
    },
  },
  "log4j2 JsonTemplateLayout in the form of Logstash": {
    line: {
      "@timestamp": AT,
      "@version": 1,
      level: "ERROR",
      logger_name: "com.example.Shop",
      thread_name: "main",
      message: "declined",
      source_host: "web-1",
      exception: {
        exception_class: "java.io.IOException",
        exception_message: "closed",
        stacktrace: "java.io.IOException: closed\n\tat a.B.c(B.java:1)",
      },
    },
    fields: {
      "log.logger": "com.example.Shop",
      "process.thread.name": "main",
      "host.name": "web-1",
      "error.type": "java.io.IOException",
      "error.message": "closed",
    },
  },
  zap: {
    line: {
      level: "error",
      ts: AT_S,
      logger: "shop",
      caller: "pay/pay.go:12",
      msg: "declined",
      error: "no cart",
      stacktrace: "main.main\n\t/src/main.go:7",
    },
    fields: {
      "log.logger": "shop",
      "log.origin.file.name": "pay/pay.go",
      "log.origin.file.line": 12,
      "error.message": "no cart",
      "error.stack_trace": "main.main\n\t/src/main.go:7",
    },
  },
  "slog of Go": {
    line: {
      time: AT,
      level: "ERROR",
      source: { function: "main.main", file: "/src/main.go", line: 7 },
      msg: "declined",
    },
    fields: { "log.origin.function": "main.main", "log.origin.file.line": 7 },
  },
  structlog: {
    line: { event: "declined", level: "error", timestamp: AT, logger: "shop", user_id: "u-7" },
    fields: { "log.logger": "shop", "user.id": "u-7" },
  },
  "Python logging": {
    line: {
      asctime: "2026-03-14 11:11:12,345",
      levelname: "ERROR",
      name: "shop.pay",
      message: "declined",
      exc_info:
        'Traceback (most recent call last):\n  File "pay.py", line 3, in pay\n    charge()\nshop.Declined: no cart',
      process: 17,
      threadName: "MainThread",
      lineno: 3,
      "dd.trace_id": TRACE,
    },
    fields: {
      "log.logger": "shop.pay",
      "process.pid": 17,
      "process.thread.name": "MainThread",
      "log.origin.file.line": 3,
      "error.type": "shop.Declined",
      "error.message": "no cart",
      "trace.id": TRACE,
    },
  },
  Serilog: {
    line: {
      "@t": AT,
      "@l": "Error",
      "@m": "declined",
      "@x": "System.InvalidOperationException: no cart\n   at Shop.Pay() in Pay.cs:line 9",
      SourceContext: "Shop.Pay",
    },
    fields: {
      "log.logger": "Shop.Pay",
      "error.type": "System.InvalidOperationException",
      "error.message": "no cart",
    },
  },
  "Google Cloud": {
    line: {
      severity: "ERROR",
      time: AT,
      message: "declined",
      "logging.googleapis.com/trace": `projects/shop/traces/${TRACE}`,
      "logging.googleapis.com/spanId": SPAN,
    },
    fields: { "trace.id": TRACE, "span.id": SPAN },
  },
};

describe("lines of logging libraries", () => {
  test.each(Object.entries(LIBRARIES))("%s", (_name, { line, fields }) => {
    const document = parse(line);
    expect(document).toMatchObject({
      ...fields,
      "@timestamp": AT,
      "log.level": "error",
      message: "declined",
      "event.type": ["error"],
      "event.kind": "event",
    });
    const sample = Buffer.from(`${json(line)}\n`.repeat(3));
    expect(detectFormat(sample).format?.dataset).toBe("app.json");
  });

  test("the layouts in ECS of log4j2, pino and others are ECS", () => {
    const line = {
      "@timestamp": AT,
      "ecs.version": "1.2.0",
      "log.level": "ERROR",
      message: "declined",
      "process.thread.name": "main",
      "log.logger": "com.example.Shop",
    };
    expect(detectFormat(Buffer.from(`${json(line)}\n`)).format?.dataset).toBe("ecs");
  });

  test("a request that pino-http logged has the fields of a request", () => {
    const document = parse({
      level: 30,
      time: Date.parse(AT),
      req: {
        id: 7,
        method: "GET",
        url: "/shop?id=7",
        headers: {
          host: "shop.example",
          "user-agent": "Probe/1.0",
          traceparent: `00-${TRACE}-${SPAN}-01`,
        },
        remoteAddress: "203.0.113.9",
        remotePort: 4711,
      },
      res: { statusCode: 404 },
      responseTime: 12,
      msg: "request completed",
    });
    expect(document).toMatchObject({
      "http.request.method": "GET",
      "url.original": "/shop?id=7",
      "http.response.status_code": 404,
      "event.duration": 12_000_000,
      "source.ip": "203.0.113.9",
      "user_agent.original": "Probe/1.0",
      "trace.id": TRACE,
      "span.id": SPAN,
    });
  });
});

describe("fields", () => {
  test("a path and a status of something other than a request keep their names", () => {
    const document = parse({
      level: "info",
      msg: "saved",
      path: "/tmp/a",
      status: "ok",
      method: "zip",
    });
    expect(document).toMatchObject({ path: "/tmp/a", status: "ok", method: "zip" });
    expect(document).not.toHaveProperty(["url.original"]);
  });

  test.each([
    [10, "trace"],
    [7, "debug"],
    ["WARNING", "warning"],
    ["Information", "info"],
    ["60", "fatal"],
    [400, "error"],
  ])("the level %s is %s", (level, name) => {
    expect(parse({ level, msg: "x" })).toMatchObject({ "log.level": name });
  });

  test("a number that is no level of a library keeps its name", () => {
    expect(parse({ level: 35, msg: "x" })).toMatchObject({ level: 35 });
  });

  test.each(["0".repeat(32), "not an id", 7])("%s is not the id of a trace", (id) => {
    expect(parse({ level: "info", msg: "x", trace_id: id })).not.toHaveProperty(["trace.id"]);
  });

  test("a line cannot choose its dataset, its source or its original text", () => {
    const document = parse({
      level: "info",
      msg: "x",
      "data_stream.dataset": "nginx.access",
      "log.source.id": "src_1",
      event: { original: "y", kind: "alert" },
      fields_json: 1,
    });
    expect(document).toMatchObject({
      "data_stream.dataset": "app.json",
      "event.kind": "event",
      "labels.data_stream.dataset": "nginx.access",
      "labels.log.source.id": "src_1",
    });
  });

  test("a time that cannot be read is kept beside the event", () => {
    expect(parse({ level: "info", msg: "x", time: "yesterday" })).toMatchObject({
      "labels.ignored_fields": ["time"],
      "labels.ignored.time": "yesterday",
    });
  });

  test("JSON without a level and a message is not of an application", () => {
    const [document] = parseLines("app.json", json({ a: 1, time: AT }));
    expect(document).toMatchObject({ "event.kind": "pipeline_error" });
  });

  test("any JSON object becomes an event or is refused with a reason", () => {
    const names = fc.constantFrom(
      "level",
      "msg",
      "time",
      "err",
      "stack",
      "req",
      "__proto__",
      "trace_id",
      "x",
    );
    const objects = fc.array(fc.tuple(names, fc.jsonValue({ maxDepth: 2 }))).map((entries) => {
      const members = entries.map(([name, value]) => `${json(name)}:${json(value)}`);
      return `{${members.join(",")}}`;
    });
    fc.assert(
      fc.property(objects, (line) => {
        const document = parseLine("app.json", line);
        expect(document["event.original"]).toBe(line);
        expect(document["event.kind"]).toMatch(/^(?:event|pipeline_error)$/);
      }),
    );
  });
});

describe("a generic format leaves lines to others", () => {
  const app = (id: number): string => json({ level: "info", time: AT, msg: "saved", id });
  const access = json({
    time_iso8601: AT,
    remote_addr: "203.0.113.9",
    request_method: "GET",
    request_uri: "/",
    status: "200",
  });

  test("access lines in JSON between those of an application are access lines", () => {
    const lines = Array.from({ length: 40 }, (_, at) => (at % 4 === 3 ? access : app(at)));
    const found = detectFormat(Buffer.from(`${lines.join("\n")}\n`));
    expect(found.format?.dataset).toBe("app.json");
  });

  test.each([
    ["a user and an address", { user: "ann", hostname: "web-1", ip: "203.0.113.9" }],
    [
      "a request",
      { method: "GET", path: "/shop", status: 200, duration: "12ms", ip: "203.0.113.9" },
    ],
  ])("a line of an application with %s is not an access line", (_what, fields) => {
    const line = json({ level: "info", time: AT, msg: "served", ...fields });
    expect(detectFormat(Buffer.from(`${line}\n`)).format?.dataset).toBe("app.json");
  });
});
