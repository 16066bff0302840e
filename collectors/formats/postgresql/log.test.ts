import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { detectFormat } from "#collectors/detect.ts";
import type { Document } from "#collectors/parse.ts";

import { parseLine, parseLines } from "../parse-lines.ts";
import { COLUMNS } from "./record.ts";

const AT = "2026-03-14 10:11:12.345 UTC";
const TIME = "2026-03-14T10:11:12.345Z";

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** A line of csvlog of PostgreSQL 18. */
function csv(record: Partial<Record<(typeof COLUMNS)[number], string>>): string {
  const all: typeof record = {
    log_time: AT,
    process_id: "77",
    session_id: "69b53a80.4d",
    session_line_num: "3",
    session_start_time: "2026-03-14 10:11:00 UTC",
    transaction_id: "0",
    error_severity: "LOG",
    sql_state_code: "00000",
    ...record,
  };
  const plain = new Set(["log_time", "process_id", "session_id", "error_severity"]);
  return COLUMNS.map((name) => {
    const value = all[name];
    if (value === undefined) return "";
    return plain.has(name) ? value : quoted(value);
  }).join(",");
}

describe("stderr with any log_line_prefix", () => {
  test.each<[string, string, Document]>([
    ["%m [%p] ", `${AT} [77] `, { "process.pid": 77 }],
    [
      "%m [%p] %q%u@%d ",
      `${AT} [77] ann@shop `,
      { "process.pid": 77, "user.name": "ann", "postgresql.log.database": "shop" },
    ],
    ["%m [%p-%l] ", `${AT} [77-5] `, { "postgresql.log.session_line_number": 5 }],
    [
      "%m:%r:%u@%d:[%p]: (Amazon RDS)",
      `${AT}:203.0.113.9(5000):ann@shop:[77]:`,
      { "source.ip": "203.0.113.9", "source.port": 5000, "user.name": "ann", "process.pid": 77 },
    ],
    ["%m-%c- (Azure)", `${AT}-69b53a80.4d-`, { "postgresql.log.session_id": "69b53a80.4d" }],
    [
      "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
      `${AT} [77]: [5-1] user=ann,db=shop,app=PostgreSQL JDBC Driver,client=2001:db8::1 `,
      {
        "postgresql.log.session_line_number": 5,
        "postgresql.log.application_name": "PostgreSQL JDBC Driver",
        "source.ip": "2001:db8::1",
      },
    ],
    [
      "%m [%p][%b][%v][%x] %q[user=%u,db=%d,app=%a] ",
      `${AT} [77][client backend][3/17][801] [user=ann,db=shop,app=psql] `,
      {
        "postgresql.log.backend_type": "client backend",
        "postgresql.log.virtual_transaction_id": "3/17",
        "postgresql.log.transaction_id": 801,
      },
    ],
    ["<%m >", `<${AT} >`, {}],
    [
      "%m client=%r ",
      `${AT} client=203.0.113.9(5000) `,
      { "source.ip": "203.0.113.9", "source.port": 5000 },
    ],
    ["%n %p ", "1773483072.345 77 ", { "process.pid": 77 }],
    ["%m %u %d %p ", `${AT} ann shop 77 `, { "user.name": "ann", "process.pid": 77 }],
    ["%m %e %p ", `${AT} 42P01 77 `, { "postgresql.log.sql_state_code": "42P01" }],
    ["%m with log_error_verbosity", `${AT} `, {}],
  ])("%s", (_name, prefix, fields) => {
    expect(parseLine("postgresql.log", `${prefix}ERROR:  division by zero`)).toMatchObject({
      "@timestamp": TIME,
      "log.level": "ERROR",
      message: "division by zero",
      "event.category": ["database"],
      "event.type": ["error"],
      ...fields,
    });
  });

  test("without a prefix the event has no time of its own", () => {
    const [dated, bare] = parseLines("postgresql.log", `${AT} [1] LOG:  a\nLOG:  b\n`);
    expect(bare).toMatchObject({ message: "b", "@timestamp": dated?.["@timestamp"] });
  });

  test("a SQLSTATE before the message decides whether it is an error", () => {
    const line = `${AT} [77] LOG:  53300: too many connections`;
    expect(parseLine("postgresql.log", line)).toMatchObject({
      "postgresql.log.sql_state_code": "53300",
      message: "too many connections",
      "event.type": ["error"],
    });
  });

  test("levels in other languages are read behind a time and a process", () => {
    const line = `${AT} [77] FEHLER:  Relation fehlt`;
    expect(parseLine("postgresql.log", line)).toMatchObject({ "log.level": "FEHLER" });
  });

  test.each([
    ["CEST", "2026-03-14T08:11:12.000Z"],
    ["-05", "2026-03-14T15:11:12.000Z"],
    ["+0530", "2026-03-14T04:41:12.000Z"],
    ["XYZ", "2026-03-14T09:11:12.000Z"],
  ])("the zone %s; of an unknown one, that of the stream", (zone, expected) => {
    const line = `2026-03-14 10:11:12 ${zone} [7] LOG:  x`;
    expect(parseLine("postgresql.log", line)["@timestamp"]).toBe(expected);
  });

  test.each([
    "a text of more than four words ERROR:  no",
    "ERROR: one blank",
    "2026-03-14 10:11:12 UTC [7] starting",
  ])("%s is not a line of PostgreSQL", (line) => {
    expect(parseLine("postgresql.log", line)["event.kind"]).toBe("pipeline_error");
  });
});

describe("statements", () => {
  const slow = (statement: string): Document =>
    parseLine(
      "postgresql.log",
      `${AT} [7] a@b LOG:  duration: 1503.25 ms  execute S_1/C_2: ${statement}`,
    );

  test("a slow statement has its duration, its step, its name and its fingerprint", () => {
    expect(slow("SELECT * FROM t WHERE id = 7")).toMatchObject({
      "event.duration": 1_503_250_000,
      "postgresql.log.query_step": "execute",
      "postgresql.log.query_name": "S_1/C_2",
      "postgresql.log.query": "SELECT * FROM t WHERE id = 7",
      "db.query.text": "select * from t where id = ?",
    });
    const fingerprint = "db.query.fingerprint";
    expect(slow("select *  from t where id=99")[fingerprint]).toBe(
      slow("SELECT * FROM t WHERE id = 7")[fingerprint],
    );
  });

  test("a statement of several lines is one event, and lines of other sessions are not part of it", () => {
    const log = `${AT} [7] a@b LOG:  statement: select 1,\n\t  2\n\tfrom t;\n${AT} [8] a@b ERROR:  no\n${AT} [8] a@b STATEMENT:  select x`;
    const events = parseLines("postgresql.log", log, "text");
    expect(events.map((event) => event["message"])).toEqual([
      "statement: select 1,\n  2\nfrom t;",
      "no",
      "select x",
    ]);
    expect(events[0]).toMatchObject({ "db.query.text": "select ?, ? from t" });
    expect(events[2]).toMatchObject({ "db.query.text": "select x" });
  });

  test("a statement of several lines in syslog is one event", () => {
    const header = "Mar 14 10:11:12 db1 postgres[7]: ";
    const lines = [
      `[5-1] ${AT} [7] a@b LOG:  statement: select 1,`,
      "[5-2] #011  2",
      "[5-3] #011from t;",
    ];
    const log = [...lines, `[6-1] ${AT} [7] a@b LOG:  next`]
      .map((line) => header + line)
      .join("\n");
    const [event, ...others] = parseLines("postgresql.log", log, "text");
    expect(event).toMatchObject({
      message: "statement: select 1,\n  2\nfrom t;",
      "process.pid": 7,
      "host.name": "db1",
    });
    expect(others.map((it) => it["message"])).toEqual(["next"]);
  });

  test("a plan of auto_explain as text and as JSON", () => {
    const head = `${AT} [7] a@b LOG:  duration: 12.5 ms  plan:\n`;
    const text = `${head}\tQuery Text: select *\n\tfrom t where id = 5;\n\tSeq Scan on t  (cost=0.00..35.50 rows=10 width=4)\n\t  Filter: (id = 5)`;
    const json = `${head}\t{\n\t  "Query Text": "select *\\nfrom t where id = 5;",\n\t  "Plan": {}\n\t}`;
    for (const log of [text, json]) {
      const [event, ...others] = parseLines("postgresql.log", log, "text");
      expect(others).toEqual([]);
      expect(event).toMatchObject({
        "event.duration": 12_500_000,
        "postgresql.log.query": "select *\nfrom t where id = 5;",
        "db.query.text": "select * from t where id = ?",
      });
    }
    expect(parseLines("postgresql.log", text, "text")[0]?.["postgresql.log.plan"]).toBe(
      "Seq Scan on t  (cost=0.00..35.50 rows=10 width=4)\n  Filter: (id = 5)",
    );
  });
});

describe("csvlog and jsonlog", () => {
  const ERROR = {
    user_name: "ann",
    database_name: "shop",
    error_severity: "ERROR",
    sql_state_code: "42P01",
    message: 'relation "t" does not exist',
    query: "select * from t where id = 7",
  };
  const FIELDS = {
    "@timestamp": TIME,
    "user.name": "ann",
    "postgresql.log.database": "shop",
    "source.ip": "203.0.113.9",
    "source.port": 5000,
    "postgresql.log.client_addr": "203.0.113.9",
    "postgresql.log.session_start_time": "2026-03-14T10:11:00.000Z",
    message: 'relation "t" does not exist',
    "event.type": ["error"],
    "db.query.text": "select * from t where id = ?",
    "postgresql.log.location": "parserOpenTable, parse_relation.c:1449",
  };

  test("an error in csvlog", () => {
    const line = csv({
      ...ERROR,
      connection_from: "203.0.113.9:5000",
      location: "parserOpenTable, parse_relation.c:1449",
    });
    expect(parseLine("postgresql.log", line)).toMatchObject(FIELDS);
  });

  test("the same error in jsonlog", () => {
    const line = JSON.stringify({
      timestamp: AT,
      user: "ann",
      dbname: "shop",
      pid: 77,
      remote_host: "203.0.113.9",
      remote_port: 5000,
      session_id: "69b53a80.4d",
      session_start: "2026-03-14 10:11:00 UTC",
      error_severity: "ERROR",
      state_code: "42P01",
      message: ERROR.message,
      statement: ERROR.query,
      func_name: "parserOpenTable",
      file_name: "parse_relation.c",
      file_line_num: 1449,
    });
    expect(parseLine("postgresql.log", line)).toMatchObject(FIELDS);
  });

  test("any text survives csvlog, over lines and quotes", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1 }).map((it) => `x${it}\n"a, b"y`);
    fc.assert(
      fc.property(text, text, (message, detail) => {
        // Other characters are not kept as they are: ends of lines, and separators of lists.
        fc.pre(!/\p{Cc}/u.test((message + detail).replaceAll("\n", "")));
        const log = `${csv({ message, detail })}\n${csv({ message: "next" })}\n`;
        const events = parseLines("postgresql.log", log, "text");
        expect(events.map((event) => event["message"])).toEqual([message, "next"]);
        expect(events[0]?.["postgresql.log.detail"]).toBe(detail);
      }),
    );
  });

  test("a line that was cut within quotes is read as far as it goes", () => {
    const line = csv({ message: "never written" });
    expect(parseLine("postgresql.log", line.slice(0, line.indexOf("written")))).toMatchObject({
      message: "never ",
      "process.pid": 77,
    });
  });
});

test.each([
  `${AT} [77] ann@shop LOG:  statement: select 1`,
  csv({ message: "checkpoint starting: time" }),
  `{"timestamp":"${AT}","pid":1,"error_severity":"LOG","message":"starting"}`,
])("the log is detected by its content: %s", (line) => {
  const sample = Buffer.from(`${line}\n`.repeat(3));
  expect(detectFormat(sample).format?.dataset).toBe("postgresql.log");
});
