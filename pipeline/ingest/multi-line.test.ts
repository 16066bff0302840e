import * as fc from "fast-check";
import { expect, test } from "vitest";

import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { openMemoryStore } from "../store/memory-store.ts";
import { Ingest } from "./ingest.ts";
import { logSource } from "./testing-source.ts";

const DEPS = {
  clock: systemClock,
  rules: { signIn: [], signOut: [] },
  zone: UTC,
  sealAfterMs: 60_000,
  foldEveryMs: 60_000,
};
const NOON = "2026-03-14 12:00:00.000 UTC";

/** Logs with events of several lines: a title, the dataset, and the lines of each event. */
const LOGS: [string, string, string[][]][] = [
  [
    "statements and a plan of PostgreSQL",
    "postgresql.log",
    [
      [`${NOON} [7] ann@shop LOG:  statement: select 1,`, "\t\t2", "\tfrom t;"],
      [`${NOON} [7] ann@shop ERROR:  no`],
      [`${NOON} [7] ann@shop STATEMENT:  select`, '\t{"@timestamp":"2026-01-01T00:00:00Z"}'],
      [
        `${NOON} [7] ann@shop LOG:  duration: 5.0 ms  plan:`,
        "\tQuery Text: select 1",
        "\tResult  (cost=0.00..0.01 rows=1 width=4)",
      ],
      [`${NOON} [8] LOG:  checkpoint starting: time`],
    ],
  ],
  [
    "csvlog of PostgreSQL",
    "postgresql.log",
    [
      [
        `${NOON},,,7,,69b5.7,1,,${NOON},,0,LOG,00000,"automatic vacuum`,
        "pages: 0",
        'x",,,,,,,,,""',
      ],
      [`${NOON},,,7,,69b5.7,2,,${NOON},,0,LOG,00000,"one line",,,,,,,,,""`],
      [`${NOON},"a","b",7,,69b5.7,3,,${NOON},,0,LOG,00000,"select ""`, "", '"", 2",,,,,,,,,""'],
    ],
  ],
  [
    "the slow query log of MariaDB, opened twice",
    "mysql.slowlog",
    [
      [
        "/usr/sbin/mariadbd, Version: 10.11.6-MariaDB-log (Debian 12). started with:",
        "Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock",
        "Time\t\t    Id Command\tArgument",
        "# Time: 260314 12:00:00",
        "# User@Host: ann[ann] @ localhost []",
        "# Thread_id: 8  Schema: shop  QC_hit: No",
        "# Query_time: 2.000227  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0",
        "SET timestamp=1773489600;",
        "select sleep(2),",
        "",
        "level=info msg=x",
        "AS foo;",
      ],
      [
        "# User@Host: bob[bob] @  [203.0.113.9]",
        "# Query_time: 3.000000  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0",
        "SET timestamp=1773489603;",
        "# administrator command: Ping;",
      ],
      [
        "# Time: 260314 12:00:09",
        "# User@Host: ann[ann] @ localhost []",
        "# Query_time: 2.5  Lock_time: 0.0  Rows_sent: 1  Rows_examined: 0",
        "SET timestamp=1773489600;",
        "update t",
        "set a = 1;",
      ],
    ],
  ],
  [
    "the general query log of MySQL",
    "mysql.general",
    [
      ["2026-03-14T12:00:00.000001Z\t    8 Connect\tann@localhost on shop using Socket"],
      ["2026-03-14T12:00:00.000002Z\t    8 Query\tselect 1,", "\t2"],
      ["2026-03-14T12:00:00.000003Z\t    8 Quit\t"],
    ],
  ],
  [
    "a dead lock in the error log of MariaDB",
    "mysql.error",
    [
      ["2026-03-14 12:00:00 6 [Note] InnoDB: Transactions deadlock detected, dumping"],
      [
        "2026-03-14 12:00:00 6 [Note] InnoDB: ",
        "*** (1) TRANSACTION:",
        "",
        "TRANSACTION 23, ACTIVE 0 sec starting index read",
        "update t set v=v+1 where id=2",
      ],
      ["2026-03-14 12:00:00 6 [ERROR] InnoDB: Transaction was aborted due to Deadlock"],
    ],
  ],
  [
    "a stack trace of Kafka",
    "kafka.log",
    [
      ["[2026-03-14 12:00:00,000] INFO starting (kafka.server.KafkaServer)"],
      [
        "[2026-03-14 12:00:00,001] ERROR [Broker id=1] failed (state.change.logger)",
        "java.io.IOException: Broken pipe",
        "\tat sun.nio.ch.SocketDispatcher.write(SocketDispatcher.java:47)",
      ],
      [
        "[2026-03-14 12:00:00,002] INFO KafkaConfig values: ",
        "\tport = 9092",
        " (kafka.server.KafkaConfig)",
      ],
      ["[2026-03-14 12:00:00,003] INFO started (kafka.server.KafkaServer)"],
    ],
  ],
  [
    "the banner of Redis",
    "redis.log",
    [
      ["7:C 14 Mar 2026 12:00:00.000 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo"],
      [
        "7:M 14 Mar 2026 12:00:00.001 * Running mode=standalone, port=6379.",
        "      _._",
        "",
        "  Port: 6379",
      ],
      ["7:M 14 Mar 2026 12:00:00.002 # Server initialized"],
    ],
  ],
];

test.each(LOGS)(
  "%s: an event is the same, wherever reading pauses",
  async (_title, dataset, events) => {
    const texts = events.map((lines) => lines.join("\n"));
    const log = texts.map((text) => `${text}\n`).join("");
    const lineStarts = [...log.matchAll(/\n/g)].map(({ index }) => index + 1);
    await fc.assert(
      fc.asyncProperty(fc.subarray(lineStarts), async (cuts) => {
        await using store = openMemoryStore()();
        const source = logSource({ path: "/srv/db.log" }, log, cuts);
        await new Ingest({ ...DEPS, store }).run(source, new AbortController().signal);
        const range = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
        const found = await store.search({ ...range, where: [], limit: 100 });
        const stored = found
          .map(({ fields }) => fields)
          .toSorted((a, b) => Number(a["log.offset"]) - Number(b["log.offset"]));
        expect(stored.map((fields) => fields["event.original"])).toEqual(texts);
        for (const fields of stored) expect(fields["data_stream.dataset"]).toBe(dataset);
      }),
      { numRuns: 30 },
    );
  },
);
