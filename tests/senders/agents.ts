import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { SHIPPERS } from "#dashboards/sources/shippers.ts";

import { OTELCOL, TELEGRAF } from "./built-agents.ts";
import { hasRsyslogModule, rsyslogCommand } from "./rsyslog.ts";
import { logOf, running, type Sender } from "./sending.ts";

/** rsyslog's output for Elasticsearch, with a queue on disk and an id for each message. */
const rsyslogBulk: Sender = {
  name: "rsyslog-elasticsearch",
  transport: "HTTP",
  isInstalled: hasRsyslogModule("omelasticsearch"),
  async start(sending) {
    const { folder, ports, secret } = sending;
    const file = await logOf(sending);
    const work = path.join(folder, "rsyslog");
    await mkdir(work);
    const config = path.join(folder, "rsyslog.conf");
    await writeFile(
      config,
      `global(workDirectory="${work}")
module(load="imfile")
module(load="omelasticsearch")
template(name="document" type="list" option.jsonf="on") {
  property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host.name" name="hostname" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}
template(name="id" type="string" string="%uuid%")
input(type="imfile" file="${file}" tag="nginx:" facility="local7" severity="info")
action(type="omelasticsearch" server="127.0.0.1" serverport="${ports.http}" uid="quarterdeck" pwd="${secret}"
  searchIndex="logs-nginx-default" searchType="" template="document" bulkmode="on" maxbytes="1m"
  writeoperation="create" bulkid="id" dynbulkid="on"
  action.resumeRetryCount="-1" action.resumeInterval="1"
  queue.type="linkedList" queue.size="500000" queue.dequeueBatchSize="500"
  queue.filename="forward" queue.saveOnShutdown="on")
`,
    );
    const { file: program, args, env } = rsyslogCommand(config, path.join(folder, "rsyslog.pid"));
    return running(spawn(program, args, { env, stdio: "ignore" }), Promise.resolve());
  },
};

/** Its module for HTTP and its library of configurations have packages of their own. */
function hasSyslogNgHttp(): boolean {
  const modules = "/usr/lib/syslog-ng";
  const versions = existsSync(modules) ? readdirSync(modules) : [];
  return (
    versions.some((version) => existsSync(path.join(modules, version, "libhttp.so"))) &&
    existsSync("/usr/share/syslog-ng/include/scl/elasticsearch")
  );
}

/** syslog-ng's elasticsearch-http(), with a buffer on disk and an id for each message. */
const syslogNgBulk: Sender = {
  name: "syslog-ng-elasticsearch",
  transport: "HTTP",
  isInstalled: hasSyslogNgHttp(),
  async start(sending) {
    const { folder, ports, secret } = sending;
    const file = await logOf(sending);
    const config = path.join(folder, "syslog-ng.conf");
    await writeFile(
      config,
      `@version: 3.35
@include "scl.conf"
options { stats-freq(0); use-uniqid(yes); time-reopen(1); };
source s { file("${file}" program-override("nginx") flags(no-parse) follow-freq(1)); };
destination d { elasticsearch-http(
  url("http://127.0.0.1:${ports.http}/_bulk") index("logs-nginx-default") type("") custom_id("\${UNIQID}")
  user("quarterdeck") password("${secret}") batch_lines(500) retries(1000)
  template("$(format-json @timestamp=\${ISODATE} host.name=\${HOST} process.name=\${PROGRAM} message=\${MESSAGE})")
  disk-buffer(mem-buf-size(163840000) disk-buf-size(500000000) reliable(yes) dir("${folder}"))); };
log { source(s); destination(d); flags(flow-control); };
`,
    );
    const files = ["persist", "pid", "ctl"].map((name) => path.join(folder, `ng.${name}`));
    const [persist = "", pid = "", control = ""] = files;
    const state = ["-R", persist, "-p", pid, "-c", control];
    const child = spawn("syslog-ng", ["-F", "--no-caps", "-f", config, ...state], {
      stdio: "ignore",
    });
    return running(child, Promise.resolve());
  },
};

/** The OpenTelemetry Collector with its filelog receiver and the exporter that the page of the sources offers. */
const otelcol: Sender = {
  name: "otelcol",
  transport: "HTTP",
  isInstalled: existsSync(OTELCOL),
  builtBy: "node tests/senders/run.ts --build otelcol",
  async start(sending) {
    const { folder, ports, secret } = sending;
    const file = await logOf(sending);
    const host = "127.0.0.1";
    const port = String(ports.http);
    const target = { url: `http://${host}:${port}`, host, port, token: secret };
    const offered = SHIPPERS.find(({ id }) => id === "opentelemetry")?.snippet(target) ?? "";
    const config = path.join(folder, "otelcol.yaml");
    await writeFile(
      config,
      `receivers:
  filelog:
    include: ["${file}"]
    start_at: beginning
${offered.replace("receivers: [otlp]", "receivers: [filelog]")}
  telemetry: { metrics: { level: none } }
`,
    );
    const child = spawn(OTELCOL, ["--config", config], { stdio: "ignore" });
    return running(child, Promise.resolve());
  },
};

/** Telegraf with its tail input, and an output. */
const telegraf = (name: string, output: (port: number, secret: string) => string): Sender => ({
  name,
  transport: "HTTP",
  isInstalled: existsSync(TELEGRAF),
  builtBy: `node tests/senders/run.ts --build ${name}`,
  async start(sending) {
    const { folder, ports, secret } = sending;
    const file = await logOf(sending);
    const config = path.join(folder, "telegraf.conf");
    await writeFile(
      config,
      `[agent]
  flush_interval = "1s"
  flush_jitter = "0s"
  metric_batch_size = 5000
  metric_buffer_limit = 100000
[[inputs.tail]]
  files = ["${file}"]
  initial_read_offset = "beginning"
  max_undelivered_lines = 20000
  data_format = "value"
  data_type = "string"
${output(ports.http, secret)}
`,
    );
    const child = spawn(TELEGRAF, ["--config", config], { stdio: "ignore" });
    return running(child, Promise.resolve());
  },
});

const telegrafBulk = telegraf(
  "telegraf-elasticsearch",
  (port, secret) => `[[outputs.elasticsearch]]
  urls = ["http://127.0.0.1:${port}"]
  username = "quarterdeck"
  password = "${secret}"
  index_name = "telegraf-%Y.%m.%d"
  force_document_id = true`,
);

const telegrafLoki = telegraf(
  "telegraf-loki",
  (port, secret) => `[[outputs.loki]]
  domain = "http://127.0.0.1:${port}"
  username = "quarterdeck"
  password = "${secret}"`,
);

/** Programs that read a file and deliver it over HTTP, each with the configuration of its manual. */
export const AGENTS: readonly Sender[] = [
  rsyslogBulk,
  syslogNgBulk,
  otelcol,
  telegrafBulk,
  telegrafLoki,
];
