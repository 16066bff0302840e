import { describe, expect, test } from "vitest";

import { detectFormat } from "#collectors/detect.ts";
import type { Document } from "#collectors/parse.ts";

import { parseLine, parseLines } from "../parse-lines.ts";

describe("mysql.error", () => {
  test.each<[string, string, Document]>([
    [
      "MySQL 8",
      "2026-03-14T10:11:12.345678Z 7 [Warning] [MY-010055] [Server] IP address could not be resolved",
      {
        "@timestamp": "2026-03-14T10:11:12.345Z",
        "log.level": "Warning",
        "event.code": "MY-010055",
        "event.provider": "Server",
        "mysql.thread_id": 7,
      },
    ],
    [
      "MariaDB, whose time has no zone",
      "2026-03-14  9:08:07 7 [ERROR] InnoDB: no",
      { "@timestamp": "2026-03-14T08:08:07.000Z", "event.type": ["error"], message: "InnoDB: no" },
    ],
    [
      "MySQL 5.5",
      "260314  9:08:07 InnoDB: The InnoDB memory heap is disabled",
      {
        "@timestamp": "2026-03-14T08:08:07.000Z",
        message: "InnoDB: The InnoDB memory heap is disabled",
      },
    ],
    [
      "a refused connection",
      "2026-03-14 10:11:12 7 [Warning] Access denied for user 'ann'@'203.0.113.9' (using password: YES)",
      { "user.name": "ann", "source.ip": "203.0.113.9" },
    ],
    [
      "an aborted connection",
      "2026-03-14T10:11:12.345678Z 7 [Note] Aborted connection 7 to db: 'shop' user: 'ann' host: 'web1' (Got timeout)",
      { "user.name": "ann", "source.domain": "web1" },
    ],
    [
      "JSON",
      '{ "prio" : 2, "err_code" : 10068, "subsystem" : "Server", "SQL_state" : "HY000", "msg" : "CA certificate is self signed.", "time" : "2026-03-14T10:11:12.345678Z", "thread" : 7, "label" : "Warning" }',
      {
        "@timestamp": "2026-03-14T10:11:12.345Z",
        "event.code": "MY-010068",
        "log.level": "Warning",
        message: "CA certificate is self signed.",
      },
    ],
  ])("%s", (_name, line, fields) => {
    const category = { "event.category": ["database"] };
    expect(parseLine("mysql.error", line)).toMatchObject({ ...category, ...fields });
  });

  test("a time alone does not make a line one of MySQL", () => {
    const line = "2026-03-14 10:11:12 INFO started";
    expect(parseLine("mysql.error", line)["event.kind"]).toBe("pipeline_error");
  });
});

describe("mysql.slowlog", () => {
  const ENTRY = [
    "# Time: 2026-03-14T10:11:14.345678Z",
    "# User@Host: ann[admin] @ web1 [203.0.113.9]  Id:    14",
    "# Schema: shop  Last_errno: 1205  Killed: 0",
    "# Query_time: 2.475469  Lock_time: 0.000287  Rows_sent: 10  Rows_examined: 3145718",
    "# Start: 2026-03-14T10:11:11.870209Z End: 2026-03-14T10:11:14.345678Z",
    "# InnoDB_IO_r_wait: 0.003183  InnoDB_trx_id: 69BB  QC_hit: No  Pages_accessed: 5",
    "use shop;",
    "SET timestamp=1773483071;",
    "SELECT *",
    "FROM t WHERE id = 7;",
  ];

  test("an entry with everything before its statement", () => {
    const [document, ...others] = parseLines("mysql.slowlog", ENTRY.join("\n"), "text");
    expect(others).toEqual([]);
    expect(document).toMatchObject({
      "@timestamp": "2026-03-14T10:11:11.000Z",
      "event.duration": 2_475_469_000,
      "event.end": "2026-03-14T10:11:14.345678Z",
      "user.name": "ann",
      "source.ip": "203.0.113.9",
      "source.domain": "web1",
      "mysql.thread_id": 14,
      "mysql.slowlog.current_user": "admin",
      "mysql.slowlog.schema": "shop",
      "mysql.slowlog.last_errno": 1205,
      "mysql.slowlog.lock_time.sec": 0.000287,
      "mysql.slowlog.rows_examined": 3_145_718,
      "mysql.slowlog.innodb.io_r_wait.sec": 0.003183,
      "mysql.slowlog.innodb.trx_id": "69BB",
      "mysql.slowlog.query_cache_hit": false,
      "mysql.slowlog.pages_accessed": 5,
      "mysql.slowlog.query": "SELECT *\nFROM t WHERE id = 7;",
      "db.query.text": "select * from t where id = ?",
    });
  });

  test("a missing value is not the name after it", () => {
    const [, user = "", , times = "", , , , set = ""] = ENTRY;
    const entry = [user, "# Thread_id: 8  Schema:   QC_hit: No", times, set, "select 1;"];
    const [document] = parseLines("mysql.slowlog", entry.join("\n"), "text");
    expect(document).not.toHaveProperty(["mysql.slowlog.schema"]);
    expect(document).toMatchObject({ "mysql.slowlog.query_cache_hit": false });
  });

  test("what the server writes when it opens the log is an event, if no statement follows", () => {
    const banner =
      "/usr/sbin/mysqld, Version: 8.0.36 (MySQL Community Server - GPL). started with:\nTcp port: 3306  Unix socket: /run/mysqld.sock\nTime                 Id Command    Argument";
    expect(parseLines("mysql.slowlog", banner, "text").map((it) => it["message"])).toEqual([
      banner,
    ]);
  });

  test("the log is detected by its content", () => {
    const sample = Buffer.from(`${[...ENTRY, ...ENTRY].join("\n")}\n`);
    expect(detectFormat(sample).format?.dataset).toBe("mysql.slowlog");
  });
});

describe("mysql.general", () => {
  const LOG = [
    "260314 10:11:12\t     3 Connect\tann@203.0.113.9 on shop using TCP/IP",
    "\t\t     3 Query\tselect *",
    "from t where id = 7",
    "\t\t     3 Init DB\tshop",
    "\t\t     3 Quit\t",
    "",
  ].join("\n");

  test("commands, of which MariaDB writes the time once a second", () => {
    const documents = parseLines("mysql.general", LOG, "text");
    expect(documents.map((it) => it["message"])).toEqual([
      "ann@203.0.113.9 on shop using TCP/IP",
      "select *\nfrom t where id = 7",
      "shop",
      "Quit",
    ]);
    const TIME = "2026-03-14T09:11:12.000Z";
    for (const document of documents) expect(document["@timestamp"]).toBe(TIME);
    expect(documents[0]).toMatchObject({ "user.name": "ann", "source.ip": "203.0.113.9" });
    expect(documents[1]).toMatchObject({
      "mysql.general.command": "Query",
      "mysql.thread_id": 3,
      "db.query.text": "select * from t where id = ?",
    });
  });

  test("the log is detected by its content", () => {
    expect(detectFormat(Buffer.from(LOG)).format?.dataset).toBe("mysql.general");
  });
});
