import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  parseMapEntry,
  parseProcesses,
  parseServersState,
  parseSessions,
  parseStat,
  sessionsByServer,
} from "./replies.ts";

const COLUMNS = [
  "be_id",
  "be_name",
  "srv_id",
  "srv_name",
  "srv_addr",
  "srv_op_state",
  "srv_admin_state",
  "srv_uweight",
  "srv_check_result",
  "srv_port",
] as const;

type Cells = Record<(typeof COLUMNS)[number], string>;

const cells = (own: Partial<Cells> = {}): Cells => ({
  be_id: "3",
  be_name: "web_blue",
  srv_id: "1",
  srv_name: "s1",
  srv_addr: "127.0.0.1",
  srv_op_state: "2",
  srv_admin_state: "0",
  srv_uweight: "100",
  srv_check_result: "3",
  srv_port: "8080",
  ...own,
});

const stateReply = (rows: readonly Cells[], columns: readonly string[] = COLUMNS): string =>
  [
    "1",
    `# ${columns.join(" ")}`,
    ...rows.map((row) => columns.map((name) => row[name as keyof Cells] ?? "-").join(" ")),
    "",
  ].join("\n");

const serverWith = (own: Partial<Cells>) => parseServersState(stateReply([cells(own)]))[0];

describe("show servers state", () => {
  test("columns in any order, and unknown ones between them, are the same servers", () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...COLUMNS, "srv_new", "srv_fqdn"], { minLength: 12 }),
        fc.array(
          fc.record({
            srv_name: fc.stringMatching(/^s[0-9]{1,3}$/),
            srv_port: fc.integer({ min: 1, max: 65_535 }).map(String),
            srv_op_state: fc.constantFrom("0", "1", "2", "3"),
          }),
        ),
        (columns, rows) => {
          const full = rows.map(cells);
          expect(parseServersState(stateReply(full, columns))).toEqual(
            parseServersState(stateReply(full)),
          );
        },
      ),
    );
  });

  // Replies of 2.6.12 after the commands.
  test.each([
    ["declared as disabled", { srv_admin_state: "5" }, { isInMaintenance: true }],
    ["enabled after that", { srv_admin_state: "4" }, { isInMaintenance: false, isDraining: false }],
    ["drained", { srv_admin_state: "12" }, { isInMaintenance: false, isDraining: true }],
    ["started without weight", { srv_uweight: "0" }, { isInMaintenance: false, isDraining: true }],
    ["in slowstart", { srv_op_state: "1" }, { isUp: true }],
    ["down", { srv_op_state: "0" }, { isUp: false }],
    ["stopping", { srv_op_state: "3" }, { isUp: false }],
    ["not checked yet", { srv_check_result: "0" }, { isUp: true, isChecked: false }],
  ])("a server that is %s", (_name, own, expected) => {
    expect(serverWith(own)).toMatchObject(expected);
  });

  test.each([
    ["No such backend.", /show servers state/],
    [stateReply([cells()], ["be_name", "srv_name"]), /there is no srv_admin_state/],
    [stateReply([cells({ srv_port: "-" })]), /srv_port is "-"/],
    [`${stateReply([cells()])}3 web_blue 1`, /cannot be read/],
  ])("%j is refused, saying why", (reply, why) => {
    expect(() => parseServersState(reply)).toThrow(why);
  });
});

describe("show stat", () => {
  test("current sessions by server, also with quoted cells and other columns", () => {
    const reply = [
      "# pxname,svname,last_chk,scur,",
      'web_blue,s1,"Layer7 ""OK"", 200",17,',
      "web_blue,s2,,0,",
      "",
    ].join("\n");
    expect(sessionsByServer(parseStat(reply))).toEqual(
      new Map([
        ["s1", 17],
        ["s2", 0],
      ]),
    );
  });

  test("any cell is read as it was written", () => {
    const cell = fc.string({ unit: "grapheme-ascii" });
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1 }), (values) => {
        const names = values.map((_value, at) => `c${at}`);
        const quoted = values.map((value) => `"${value.replaceAll('"', '""')}"`);
        const [row] = parseStat(`# pxname,svname,${names.join(",")}\nbe,s1,${quoted.join(",")}`);
        expect(names.map((name) => row?.get(name))).toEqual(values);
      }),
    );
  });
});

describe("get map", () => {
  test.each([
    [
      'type=str, case=sensitive, found=yes, idx=tree, key="web", value="blue|green|5|r1|r2|18", type="str"',
      "blue|green|5|r1|r2|18",
    ],
    ['type=str, case=sensitive, found=yes, idx=tree, key="web", value="500", type="sint"', "500"],
    ["type=str, case=sensitive, found=no", undefined],
  ])("%s", (reply, value) => {
    expect(parseMapEntry(reply)).toBe(value);
  });

  test("an unknown map is no missing entry", () => {
    expect(() => parseMapEntry("Unknown map identifier. Please use #<id> or <file>.")).toThrow(
      /Unknown map/,
    );
  });
});

const HEAD =
  "#<PID>          <type>          <reloads>       <uptime>        <version>      \n" +
  "11994           master          2 [failed: 1]   0d00h00m01s     2.6.12-1+deb12u4\n";
const worker = (pid: number, reloads: number): string =>
  `${pid}           worker          ${reloads}               0d00h00m01s     2.6.12-1+deb12u4\n`;

describe("show proc", () => {
  test("the workers of earlier configurations", () => {
    const reply = `${HEAD}# workers\n${worker(30, 0)}# old workers\n${worker(20, 1)}${worker(10, 2)}# programs\n`;
    expect(parseProcesses(reply)).toEqual({ current: 30, old: [20, 10], failedReloads: 1 });
  });

  test("after a reload that failed the youngest of them goes on", () => {
    const reply = `${HEAD}# workers\n# old workers\n${worker(10, 2)}${worker(20, 1)}# programs\n`;
    expect(parseProcesses(reply)).toMatchObject({ current: 20, old: [10] });
  });

  test("none", () => {
    expect(parseProcesses(`${HEAD}# workers\n# programs\n`)).toMatchObject({ current: undefined });
  });
});

test("show sess: sessions to servers, without those of the socket itself", () => {
  const reply = [
    "0x55c16d80f360: proto=unix_stream src=unix:1 fe=GLOBAL be=<NONE> srv=<none> ts=00 epoch=0 age=0s",
    "0x7f0f1c02c9a0: proto=tcpv4 src=127.0.0.1:4 fe=internal be=web_blue srv=s1 ts=00 epoch=0 age=3s",
  ].join("\n");
  expect(parseSessions(reply)).toEqual([
    { id: "0x7f0f1c02c9a0", backend: "web_blue", server: "s1" },
  ]);
});
