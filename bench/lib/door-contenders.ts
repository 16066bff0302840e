import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, existsSync } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import path from "node:path";

import { DuckDBInstance } from "@duckdb/node-api";
import { z } from "zod";

import { freePort } from "#platform/free-port.ts";

import { runProgram, startProgram, until } from "../../tests/harness/program.ts";
import { receiversOf } from "../../tests/senders/receiver.ts";
import { RSYSLOG, rsyslogCommand } from "../../tests/senders/rsyslog.ts";
import { type PayloadName, PAYLOADS } from "./door-payloads.ts";
import { type ProcessUse, useOf, useOfAll } from "./process-use.ts";
import { victoriaLogs } from "./victoria-logs.ts";

/** Where events are sent. */
export type Target = { url: string; headers: Record<string, string> } | { port: number };

export type Receiving = AsyncDisposable & {
  target(payload: PayloadName): Target;
  /** What each of its processes has used. */
  used(): Record<string, ProcessUse>;
  /** How many events have arrived, which costs it nearly nothing. */
  arrived(): Promise<number>;
  /** How many events it finds. */
  found(): Promise<number>;
};

export type DoorContender = {
  name: string;
  /** What it does with an event. */
  does: string;
  payloads: readonly PayloadName[];
  /** How to install it, if it is not. */
  missing?: string;
  start(folder: string): Promise<Receiving>;
};

export async function doorContenders(): Promise<DoorContender[]> {
  const victoria = await victoriaLogs();
  return [
    {
      name: "Quarterdeck",
      does: "receives and fsyncs; parses the line, stores ECS events with rollups",
      payloads: PAYLOADS,
      start: startQuarterdeck,
    },
    {
      name: "VictoriaLogs",
      does: "receives; stores the fields that were sent and does not parse the line; no fsync before it answers",
      payloads: PAYLOADS,
      ...(victoria === undefined && { missing: "install Go: it is built from the module proxy" }),
      start: (folder) => startVictoriaLogs(victoria ?? "", folder),
    },
    {
      name: "rsyslog",
      does: "writes lines to a file",
      payloads: ["syslog"],
      ...(RSYSLOG === undefined && { missing: "apt-get install rsyslog" }),
      start: startRsyslog,
    },
    {
      name: "syslog-ng",
      does: "writes lines to a file",
      payloads: ["syslog"],
      ...(!existsSync("/usr/sbin/syslog-ng") && { missing: "apt-get install syslog-ng-core" }),
      start: startSyslogNg,
    },
  ];
}

const QueryAnswer = z.object({ series: z.array(z.object({ value: z.number() })) });

async function startQuarterdeck(folder: string): Promise<Receiving> {
  const data = path.join(folder, "data");
  const [push, syslog] = [await freePort(), await freePort()];
  const added = await runProgram(["token", "add", "bench", "--data", data]);
  const token = /^qd_\S+$/m.exec(added.stdout)?.[0];
  if (token === undefined) throw new Error(`no token was made: ${added.output}`);
  const env = {
    QUARTERDECK_DATA: data,
    QUARTERDECK_PUSH_PORT: String(push),
    QUARTERDECK_SYSLOG_TCP: String(syslog),
  };
  const receive = startProgram(["role", "receive"], { env });
  const index = startProgram(["role", "index", path.join(folder, "none.log")], { env });
  await Promise.all([receive.printed(/(can be pushed)/), index.printed(/(are indexed)/)]);
  const url = `http://127.0.0.1:${push}`;
  const headers = { authorization: `Bearer ${token}` };
  return {
    target: (payload) =>
      payload === "syslog"
        ? { port: syslog }
        : { url: `${url}${payload === "otlp" ? "/v1/logs" : "/_bulk"}${FILTER}`, headers },
    used: () => ({
      receive: useOfAll([receive.child.pid ?? 0, ...receiversOf(receive)]),
      index: useOf(index.child),
    }),
    arrived: () => countStored(data),
    async found() {
      const query = ["query", "requests", "--by", "status", "--limit", "1000", "--json"];
      const { stdout } = await runProgram([...query, "--data", data]);
      const { series } = QueryAnswer.parse(JSON.parse(stdout));
      return series.reduce((sum, { value }) => sum + value, 0);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([receive.end("SIGTERM"), index.end("SIGTERM")]);
    },
  };
}

/** Filebeat asks only for these parts of the response. */
const FILTER = "?filter_path=errors,items.*.error,items.*.status";

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

/** Names the fields of the events for VictoriaLogs. */
const VICTORIA_FIELDS =
  "_msg_field=message&_time_field=@timestamp&_stream_fields=host.name,log.file.path";
const VICTORIA_PATHS: Record<string, string> = {
  filebeat: `/insert/elasticsearch/_bulk?${VICTORIA_FIELDS}`,
  parsed: `/insert/elasticsearch/_bulk?${VICTORIA_FIELDS}`,
  otlp: "/insert/opentelemetry/v1/logs",
};
const RowsIngested = /^vl_rows_ingested_total\{.*\} (\d+)$/gm;
const Counted = z.object({ events: z.coerce.number() });

async function startVictoriaLogs(program: string, folder: string): Promise<Receiving> {
  const [http, syslog] = [await freePort(), await freePort()];
  const args = [
    `-storageDataPath=${path.join(folder, "data")}`,
    `-httpListenAddr=127.0.0.1:${http}`,
    `-syslog.listenAddr.tcp=127.0.0.1:${syslog}`,
    "-retentionPeriod=100y",
    "-loggerLevel=ERROR",
  ];
  const child = spawn(program, args, { stdio: "ignore" });
  const ended = once(child, "close");
  const url = `http://127.0.0.1:${http}`;
  await until("VictoriaLogs to listen", async () =>
    fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return {
    target: (payload) =>
      payload === "syslog"
        ? { port: syslog }
        : { url: `${url}${VICTORIA_PATHS[payload]}`, headers: {} },
    used: () => ({ "": useOf(child) }),
    async arrived() {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      return [...metrics.matchAll(RowsIngested)].reduce((sum, [, rows]) => sum + Number(rows), 0);
    },
    async found() {
      await fetch(`${url}/internal/force_flush`);
      const query = encodeURIComponent("* | stats count() as events");
      const answer = await fetch(`${url}/select/logsql/query?query=${query}`);
      return Counted.parse(JSON.parse(await answer.text())).events;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function startRsyslog(folder: string): Promise<Receiving> {
  const port = await freePort();
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
  return toFile(spawn(file, args, { env, stdio: "ignore" }), port, out);
}

async function startSyslogNg(folder: string): Promise<Receiving> {
  const port = await freePort();
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
  return toFile(spawn("syslog-ng", args, { stdio: "ignore" }), port, out);
}

/** A program that writes what it receives to a file. */
function toFile(child: ChildProcess, port: number, file: string): Receiving {
  const ended = once(child, "close");
  let counted = { bytes: 0, lines: 0 };
  const arrived = async (): Promise<number> => {
    const { size } = await stat(file).catch(() => ({ size: 0 }));
    if (size > counted.bytes) {
      const more = await countLines(file, counted.bytes, size);
      counted = { bytes: size, lines: counted.lines + more };
    }
    return counted.lines;
  };
  return {
    target: () => ({ port }),
    used: () => ({ "": useOf(child) }),
    arrived,
    found: arrived,
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
