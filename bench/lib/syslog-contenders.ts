import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import path from "node:path";

import { DuckDBInstance } from "@duckdb/node-api";

import { startProgram } from "../../tests/harness/program.ts";
import { RSYSLOG, rsyslogCommand } from "../../tests/senders/rsyslog.ts";

/** CPU time in clock ticks of 10 ms, as Linux counts it for programs. */
const TICKS_PER_S = 100;

/** What a process has used; `part` names it if a contender has several. */
type Used = { part: string; cpuS: number; rssMbPeak: number };

export type Receiving = AsyncDisposable & {
  used(): Used[];
  hasAll(lines: number): Promise<boolean>;
};

type SyslogContender = {
  name: string;
  /** How to install it, if it is not. */
  missing: string | undefined;
  start(folder: string, port: number): Promise<Receiving>;
};

export const syslogContenders = (): SyslogContender[] => [
  { name: "Quarterdeck", missing: undefined, start: startQuarterdeck },
  {
    name: "rsyslog",
    missing: RSYSLOG === undefined ? "apt-get install rsyslog" : undefined,
    start: startRsyslog,
  },
  {
    name: "syslog-ng",
    missing: existsSync("/usr/sbin/syslog-ng") ? undefined : "apt-get install syslog-ng-core",
    start: startSyslogNg,
  },
];

async function startQuarterdeck(folder: string, port: number): Promise<Receiving> {
  const data = path.join(folder, "data");
  const env = { QUARTERDECK_DATA: data, QUARTERDECK_SYSLOG_TCP: String(port) };
  const receive = startProgram(["role", "receive"], { env });
  const index = startProgram(["role", "index", path.join(folder, "none.log")], { env });
  await Promise.all([receive.printed(/(can be pushed)/), index.printed(/(are indexed)/)]);
  return {
    used: () => [usedBy(receive.child, "receive"), usedBy(index.child, "index")],
    hasAll: async (lines) => (await countStored(data)) >= lines,
    async [Symbol.asyncDispose]() {
      await Promise.all([receive.end("SIGTERM"), index.end("SIGTERM")]);
    },
  };
}

async function countStored(data: string): Promise<number> {
  const duck = await DuckDBInstance.create();
  const connection = await duck.connect();
  try {
    const events = `read_parquet('${data}/store/events/*.parquet', union_by_name = true)`;
    const rows = await connection.runAndReadAll(`SELECT count(*)::INT FROM ${events}`);
    return Number(rows.getRows()[0]?.[0]);
  } catch {
    return 0; // Nothing is stored yet, or segments were just merged.
  } finally {
    connection.closeSync();
    duck.closeSync();
  }
}

async function startRsyslog(folder: string, port: number): Promise<Receiving> {
  const out = path.join(folder, "received.log");
  const config = path.join(folder, "rsyslog.conf");
  await writeFile(
    config,
    `module(load="imtcp")
input(type="imtcp" port="${port}" address="127.0.0.1")
action(type="omfile" file="${out}")
`,
  );
  const { file, args, env } = rsyslogCommand(config, path.join(folder, "pid"));
  return toFile(spawn(file, args, { env, stdio: "ignore" }), out);
}

async function startSyslogNg(folder: string, port: number): Promise<Receiving> {
  const out = path.join(folder, "received.log");
  const config = path.join(folder, "syslog-ng.conf");
  await writeFile(
    config,
    `@version: 3.35
options { stats-freq(0); };
source s { network(ip("127.0.0.1") port(${port}) transport("tcp") flags(syslog-protocol) log-iw-size(10000)); };
destination d { file("${out}"); };
log { source(s); destination(d); flags(flow-control); };
`,
  );
  const files = ["-R", path.join(folder, "persist"), "-p", path.join(folder, "pid")];
  const args = ["-F", "--no-caps", "-f", config, ...files, "-c", path.join(folder, "control")];
  return toFile(spawn("syslog-ng", args, { stdio: "ignore" }), out);
}

/** A program that writes what it receives to a file. */
function toFile(child: ChildProcess, file: string): Receiving {
  const ended = once(child, "close");
  let counted = { bytes: 0, lines: 0 };
  return {
    used: () => [usedBy(child, "")],
    async hasAll(lines) {
      const { size } = await stat(file).catch(() => ({ size: 0 }));
      if (size > counted.bytes) {
        const more = await countLines(file, counted.bytes, size);
        counted = { bytes: size, lines: counted.lines + more };
      }
      return counted.lines >= lines;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function countLines(file: string, start: number, end: number): Promise<number> {
  let count = 0;
  for await (const block of createReadStream(file, { start, end: end - 1 })) {
    const bytes = Buffer.from(block);
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count += 1;
  }
  return count;
}

function usedBy({ pid }: ChildProcess, part: string): Used {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const rssMbPeak = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1_000;
  return { part, cpuS: ticks / TICKS_PER_S, rssMbPeak };
}
