import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";

import { freePort } from "#platform/free-port.ts";

import { until } from "../harness/program.ts";
import { AGENTS } from "./agents.ts";
import { JOURNAL_UPLOAD } from "./journal.ts";
import type { Ports } from "./receiver.ts";
import { hasRsyslogModule, RSYSLOG, rsyslogCommand } from "./rsyslog.ts";
import { logOf, running, type Sender, type Sending } from "./sending.ts";

const GELF_BATCH = 100;

const isInstalled = (program: string): boolean => {
  try {
    execFileSync("which", [program], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

const OVER_TCP = (port: number): string =>
  `action(type="omfwd" target="127.0.0.1" port="${port}" protocol="tcp"
  template="RSYSLOG_SyslogProtocol23Format" tcp_framing="octet-counted"`;
const OVER_RELP = (port: number): string =>
  `module(load="omrelp")
action(type="omrelp" target="127.0.0.1" port="${port}" template="RSYSLOG_SyslogProtocol23Format"`;

/** rsyslog with one of its outputs, whose configuration is given up to the settings that all have. */
const rsyslogWith = (
  about: Pick<Sender, "name" | "isInstalled" | "transport">,
  outputTo: (ports: Ports) => string,
): Sender => ({
  ...about,
  async start(sending) {
    const { folder, ports } = sending;
    const file = await logOf(sending);
    const work = path.join(folder, "rsyslog");
    await mkdir(work);
    const config = path.join(folder, "rsyslog.conf");
    await writeFile(
      config,
      `global(workDirectory="${work}")
module(load="imfile")
input(type="imfile" file="${file}" tag="nginx:" facility="local7" severity="info")
${outputTo(ports)}
  action.resumeRetryCount="-1" action.resumeInterval="1"
  queue.type="linkedList" queue.size="500000" queue.filename="forward" queue.saveOnShutdown="on")
`,
    );
    const { file: program, args, env } = rsyslogCommand(config, path.join(folder, "rsyslog.pid"));
    const child = spawn(program, args, { env, stdio: "ignore" });
    return running(child, Promise.resolve());
  },
});

const rsyslog = rsyslogWith(
  { name: "rsyslog", transport: "TCP", isInstalled: RSYSLOG !== undefined },
  ({ syslogTcp }) => OVER_TCP(syslogTcp),
);

const rsyslogRelp = rsyslogWith(
  { name: "rsyslog-relp", transport: "RELP", isInstalled: hasRsyslogModule("omrelp") },
  ({ relpTcp }) => OVER_RELP(relpTcp),
);

/** syslog-ng with a way to send, as its `syslog` or `unix-stream` destination is configured. */
const syslogNgWith = (
  about: Pick<Sender, "name" | "transport">,
  destinationOf: (sending: Sending) => string,
): Sender => ({
  ...about,
  isInstalled: isInstalled("syslog-ng"),
  async start(sending) {
    const { folder } = sending;
    const file = await logOf(sending);
    const config = path.join(folder, "syslog-ng.conf");
    await writeFile(
      config,
      `@version: 3.35
options { stats-freq(0); };
source s { file("${file}" program-override("nginx") flags(no-parse) follow-freq(1)); };
destination d { ${destinationOf(sending)}
  disk-buffer(mem-buf-size(163840000) disk-buf-size(500000000) reliable(yes) dir("${folder}"))); };
options { time-reopen(1); };
log { source(s); destination(d); flags(flow-control); };
`,
    );
    const files = ["persist", "pid", "ctl"].map((name) => path.join(folder, `ng.${name}`));
    const [persist = "", pid = "", control = ""] = files;
    const child = spawn(
      "syslog-ng",
      ["-F", "--no-caps", "-f", config, "-R", persist, "-p", pid, "-c", control],
      { stdio: "ignore" },
    );
    return running(child, Promise.resolve());
  },
});

const SYSLOG_NG = [
  syslogNgWith(
    { name: "syslog-ng", transport: "TCP" },
    ({ ports }) => `syslog("127.0.0.1" transport("tcp") port(${ports.syslogTcp})`,
  ),
  syslogNgWith(
    { name: "syslog-ng-tls", transport: "TLS" },
    ({ ports }) =>
      `syslog("127.0.0.1" transport("tls") port(${ports.syslogTls}) tls(peer-verify(no))`,
  ),
  syslogNgWith(
    { name: "syslog-ng-unix", transport: "Unix stream" },
    ({ streamSocket }) => `unix-stream("${streamSocket}"`,
  ),
];

const loggerWith = (
  about: Pick<Sender, "name" | "transport">,
  target: (sending: Sending) => string[],
): Sender => ({
  ...about,
  isInstalled: isInstalled("logger"),
  async start(sending) {
    const file = await logOf(sending);
    const child = spawn("logger", [...target(sending), "--tag", "nginx", "--file", file], {
      stdio: "ignore",
    });
    return running(child, once(child, "exit"));
  },
});

const LOGGERS = [
  loggerWith({ name: "logger", transport: "TCP" }, ({ ports }) => [
    "--server",
    "127.0.0.1",
    "--port",
    String(ports.syslogTcp),
    "--tcp",
  ]),
  loggerWith({ name: "logger-unix", transport: "Unix datagrams" }, ({ datagramSocket }) => [
    "--socket",
    datagramSocket,
  ]),
];

const SERVERS = {
  nginx: (port: number, { folder, ports }: Sending): string => `daemon off;
user root;
pid "${folder}/nginx.pid";
error_log "${folder}/nginx-error.log";
events {}
http {
  access_log syslog:server=127.0.0.1:${ports.syslogUdp},tag=nginx combined;
  client_body_temp_path "${folder}"; proxy_temp_path "${folder}"; fastcgi_temp_path "${folder}";
  uwsgi_temp_path "${folder}"; scgi_temp_path "${folder}";
  server { listen 127.0.0.1:${port}; keepalive_requests 1000000; location / { return 200 "x"; } }
}
`,
  haproxyUdp: (port: number, { ports }: Sending): string => `defaults
  mode http
  log 127.0.0.1:${ports.syslogUdp} local0
  option httplog
  timeout client 30s
  timeout server 30s
  timeout connect 5s
frontend web
  bind 127.0.0.1:${port}
  http-request return status 200
`,
  haproxyTcp: (port: number, { ports }: Sending): string => `ring quarterdeck
  format rfc5424
  maxlen 4096
  size 67108864
  timeout connect 1s
  timeout server 10s
  server receiver 127.0.0.1:${ports.syslogTcp} log-proto octet-count
defaults
  mode http
  log ring@quarterdeck local0
  option httplog
  timeout client 30s
  timeout server 30s
  timeout connect 5s
frontend web
  bind 127.0.0.1:${port}
  http-request return status 200
`,
};

/** A web server that logs each of the numbered requests. */
function webServer(
  about: Pick<Sender, "name" | "transport">,
  program: "nginx" | "haproxy",
  configuration: (port: number, sending: Sending) => string,
): Sender {
  return {
    ...about,
    isInstalled: isInstalled(program),
    async start(sending) {
      const { folder, events } = sending;
      const port = await freePort();
      const file = path.join(folder, `${program}.conf`);
      await writeFile(file, configuration(port, sending));
      const args = program === "nginx" ? ["-c", file, "-p", folder] : ["-f", file, "-db"];
      const child = spawn(program, args, { stdio: "ignore" });
      return running(child, request(port, events));
    },
  };
}

const PIPELINED = 50;
const STATUS = "HTTP/1.1 200";

/** Sends numbered requests over one connection, some at a time. */
async function request(port: number, events: number): Promise<void> {
  const socket = await until("the web server", () => connected(port));
  let sent = 0;
  const sendSome = (): void => {
    const count = Math.min(PIPELINED, events - sent);
    socket.write(Array.from({ length: count }, (_, i) => requestOf(sent + i)).join(""));
    sent += count;
  };
  sendSome();
  let answers = 0;
  let rest = "";
  for await (const bytes of socket) {
    const parts = `${rest}${String(bytes)}`.split(STATUS);
    answers += parts.length - 1;
    // A status may be split.
    rest = parts.at(-1)?.slice(1 - STATUS.length) ?? "";
    if (answers >= events) break;
    if (answers === sent) sendSome();
  }
}

const requestOf = (number: number): string => `GET /page?n=${number} HTTP/1.1\r\nHost: x\r\n\r\n`;

async function connected(port: number): Promise<ReturnType<typeof connect> | undefined> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return socket;
  } catch {
    return undefined;
  }
}

const gelfPro: Sender = {
  name: "gelf-pro",
  transport: "UDP",
  isInstalled: true,
  async start({ events, ports }) {
    const { default: gelf } = await import("gelf-pro");
    gelf.setConfig({
      adapterName: "udp",
      adapterOptions: { host: "127.0.0.1", port: ports.gelfUdp },
    });
    const send = async (): Promise<void> => {
      for (let n = 0; n < events; n += GELF_BATCH) {
        const batch = Array.from({ length: Math.min(GELF_BATCH, events - n) }, (_, i) => n + i);
        await Promise.all(batch.map(sendOne));
      }
    };
    const sendOne = (number: number): Promise<void> =>
      new Promise((resolve) => gelf.info(`order n=${number} was placed`, {}, () => resolve()));
    return { done: send(), async [Symbol.asyncDispose]() {} };
  },
};

export const SENDERS: readonly Sender[] = [
  rsyslog,
  rsyslogRelp,
  ...SYSLOG_NG,
  ...LOGGERS,
  webServer({ name: "nginx", transport: "UDP" }, "nginx", SERVERS.nginx),
  webServer({ name: "haproxy", transport: "UDP" }, "haproxy", SERVERS.haproxyUdp),
  webServer({ name: "haproxy-ring", transport: "TCP" }, "haproxy", SERVERS.haproxyTcp),
  gelfPro,
  JOURNAL_UPLOAD,
  ...AGENTS,
];
