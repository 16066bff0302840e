import { accessSync, constants, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { z } from "zod";

import { v8FlagsOf } from "../../bin/v8-flags.mjs";
import { measure } from "./measure.ts";

export type Statuses = Record<string, number>;
type Run = {
  command: readonly string[];
  /** A file for the standard input. */
  input?: string;
  /** Lines by status in the contender's result. */
  statuses(stdout: string): Promise<Statuses>;
};
export type Contender = {
  name: string;
  /** Describes its output. */
  keeps: string;
  /** Instructions to install it, if it is missing. */
  missing?: string;
  /** Prepares a run that writes only below `folder`, which is empty. */
  prepare(log: string, folder: string): Run;
};

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const cli = here("../../bin/cli.mjs");

export function contenders(): Contender[] {
  return [quarterdeck, goAccess(), syslogNg(), duckdbCsv, nodeScan];
}

const QueryAnswer = z.object({
  series: z.array(z.object({ key: z.string().nullable(), value: z.number() })),
});

const quarterdeck: Contender = {
  name: "quarterdeck ingest",
  keeps: "ECS events in Parquet with rollups, queryable",
  prepare: (log, folder) => ({
    command: [
      process.execPath,
      ...v8FlagsOf(["ingest"]),
      cli,
      "ingest",
      log,
      "--data",
      folder,
      "--json",
    ],
    async statuses() {
      const query = ["query", "requests", "--by", "status", "--limit", "1000", "--json"];
      const queried = await measure([process.execPath, cli, ...query, "--data", folder]);
      if (queried.exitCode !== 0) throw new Error(`quarterdeck query failed: ${queried.stderr}`);
      const { series } = QueryAnswer.parse(JSON.parse(queried.stdout));
      return Object.fromEntries(series.map(({ key, value }) => [key ?? "", value]));
    },
  }),
};

const Panel = z.object({ data: z.string(), hits: z.object({ count: z.number() }) });
const GoAccessReport = z.object({
  status_codes: z.object({ data: z.array(Panel.extend({ items: z.array(Panel) })) }),
});

function goAccess(): Contender {
  const program = find("goaccess");
  return {
    name: "GoAccess",
    keeps: "a report: counts only, no line can be searched",
    ...(program ? {} : { missing: "apt-get install --no-install-recommends goaccess" }),
    prepare(log, folder) {
      const report = path.join(folder, "report.json");
      const options = [
        "--log-format=COMBINED",
        "--no-global-config",
        "--no-progress",
        "-o",
        report,
      ];
      return {
        command: [program ?? "goaccess", log, ...options],
        async statuses() {
          const { data } = GoAccessReport.parse(
            JSON.parse(await readFile(report, "utf8")),
          ).status_codes;
          const codes = data.flatMap((group) => group.items);
          return Object.fromEntries(
            codes.map(({ data: code, hits }) => [code.slice(0, 3), hits.count]),
          );
        },
      };
    },
  };
}

function syslogNg(): Contender {
  const program = find("syslog-ng");
  return {
    name: "syslog-ng",
    keeps: "JSON lines with the fields, a file",
    ...(program ? {} : { missing: "apt-get install --no-install-recommends syslog-ng-core" }),
    prepare(log, folder) {
      const file = (name: string): string => path.join(folder, name);
      writeFileSync(file("syslog-ng.conf"), syslogNgConfiguration(file("out.json")));
      const state = ["-R", file("persist"), "-p", file("pid"), "-c", file("control")];
      return {
        command: [
          program ?? "syslog-ng",
          "-F",
          "--no-caps",
          "-f",
          file("syslog-ng.conf"),
          ...state,
        ],
        input: log,
        async statuses() {
          return countStatuses(await readFile(file("out.json"), "latin1"), /"status":"(\d+)"/g);
        },
      };
    },
  };
}

/** Parses as its own Apache parser does. Without flow control it drops lines at the end of the input. A line with a
 * malformed request is kept, as by the other contenders. */
const syslogNgConfiguration = (out: string): string => `@version: 3.38
options { log-msg-size(65536); stats-freq(0); use-dns(no); dns-cache(no); keep-hostname(yes); };
source s { stdin(flags(no-parse) log-fetch-limit(1000) log-iw-size(100000)); };
parser line {
  csv-parser(prefix("w.") dialect(escape-backslash) delimiters(" ") quote-pairs('""[]')
    columns("client", "ident", "auth", "time", "request", "status", "bytes", "referrer", "agent"));
};
parser request {
  csv-parser(prefix("w.") template("\${w.request}") delimiters(" ") columns("method", "url", "version"));
};
parser time { date-parser(format("%d/%b/%Y:%H:%M:%S %z") template("\${w.time}")); };
destination d { file("${out}" log-fifo-size(200000) template("$(format-json --key w.* timestamp=\${ISODATE})\\n")); };
log {
  source(s); parser(line); parser(time); if { parser(request); };
  destination(d); flags(flow-control);
};
`;

function countStatuses(text: string, pattern: RegExp): Statuses {
  const counts: Statuses = {};
  for (const [, status = ""] of text.matchAll(pattern)) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

const Reported = z.object({ statuses: z.record(z.string(), z.number()) });
const reported = async (stdout: string): Promise<Statuses> =>
  Reported.parse(JSON.parse(stdout)).statuses;

const started = (file: string): string[] => [process.execPath, here("start.mjs"), here(file)];

const duckdbCsv: Contender = {
  name: "DuckDB read_csv",
  keeps: "Parquet with the fields, no rollups, no positions",
  prepare: (log, folder) => ({
    command: [...started("duckdb-csv.ts"), log, path.join(folder, "out.parquet")],
    statuses: reported,
  }),
};

const nodeScan: Contender = {
  name: "scan in plain Node",
  keeps: "nothing: the floor",
  prepare: (log) => ({
    command: [...started("node-scan.ts"), log],
    statuses: reported,
  }),
};

/** Also searches folders of daemons, which are not in a normal user's PATH. */
function find(program: string): string | undefined {
  const folders = [
    ...(process.env["PATH"] ?? "").split(path.delimiter),
    "/usr/sbin",
    "/usr/local/sbin",
  ];
  return folders
    .map((folder) => path.join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
