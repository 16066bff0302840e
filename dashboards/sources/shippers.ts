/** Where a shipper sends to: the URL of the HTTP receiver, or host and port of a socket; and its token. */
export type Target = { url: string; host: string; port: string; token: string };

export type Shipper = {
  id: string;
  title: string;
  /** Scheme of the receiver's address. */
  receiver: "http" | ListenerScheme;
  /** The path to which it sends, for HTTP. */
  path?: string;
  /** The file that the snippet belongs in, or the command that it is. */
  where: string;
  snippet(target: Target): string;
};

export type ListenerScheme = "syslog+udp" | "syslog+tcp" | "relp+tcp" | "gelf+udp" | "journal+tcp";

/** The kind of source that opens a listener, and the port that is usual for it. */
export const LISTENERS: Record<ListenerScheme, { kind: string; transport: string; port: number }> =
  {
    "syslog+udp": { kind: "syslog", transport: "udp", port: 5514 },
    "syslog+tcp": { kind: "syslog", transport: "tcp", port: 5514 },
    "relp+tcp": { kind: "relp", transport: "tcp", port: 2514 },
    "gelf+udp": { kind: "gelf", transport: "udp", port: 12_201 },
    "journal+tcp": { kind: "journal", transport: "tcp", port: 19_531 },
  };

const filebeat = ({ url, token }: Target): string => `filebeat.inputs:
  - type: filestream
    id: logs
    paths: [/var/log/nginx/*.log]
output.elasticsearch:
  hosts: ["${url}"]
  api_key: "quarterdeck:${token}"
setup.ilm.enabled: false
setup.template.enabled: false`;

const logstash = ({ url, token }: Target): string => `output {
  elasticsearch {
    hosts => ["${url}"]
    user => "quarterdeck"
    password => "${token}"
    data_stream => "true"
  }
}`;

const fluentBit = ({ host, port, token }: Target): string => `[OUTPUT]
    Name               es
    Match              *
    Host               ${host}
    Port               ${port}
    HTTP_User          quarterdeck
    HTTP_Passwd        ${token}
    Index              logs
    Suppress_Type_Name On
    Generate_ID        On`;

const vector = ({ url, token }: Target): string => `[sinks.quarterdeck]
type = "elasticsearch"
inputs = ["your_source"]
endpoints = ["${url}"]
mode = "data_stream"
auth.strategy = "basic"
auth.user = "quarterdeck"
auth.password = "${token}"`;

const openTelemetry = ({ url, token }: Target): string => `exporters:
  otlphttp/quarterdeck:
    endpoint: ${url}
    headers:
      Authorization: "Bearer ${token}"
    retry_on_failure:
      max_elapsed_time: 0
    sending_queue:
      block_on_overflow: true
service:
  pipelines:
    logs:
      receivers: [otlp]
      exporters: [otlphttp/quarterdeck]`;

const rsyslog = ({ host, port }: Target): string =>
  `*.* action(type="omfwd" target="${host}" port="${port}" protocol="tcp" tcp_framing="octet-counted")`;

const rsyslogRelp = ({ host, port }: Target): string => `module(load="omrelp")
*.* action(type="omrelp" target="${host}" port="${port}" action.resumeRetryCount="-1")`;

const syslogNg = ({
  host,
  port,
}: Target): string => `destination d_quarterdeck { syslog("${host}" port(${port}) transport("tcp")); };
log { source(s_src); destination(d_quarterdeck); };`;

const logger = ({ host, port }: Target): string =>
  `logger --server ${host} --port ${port} --udp --rfc5424 "hello from logger"`;

const nginx = ({
  host,
  port,
}: Target): string => `access_log syslog:server=${host}:${port},tag=nginx combined;
error_log syslog:server=${host}:${port};`;

const haproxy = ({ host, port }: Target): string => `global
    log ${host}:${port} local0
defaults
    log global
    option httplog`;

const splunk = ({ url, token }: Target): string => `curl ${url}/services/collector/event \\
  -H "Authorization: Splunk ${token}" \\
  -d '{"event": "hello", "sourcetype": "app"}'`;

const promtail = ({ url, token }: Target): string => `clients:
  - url: ${url}/loki/api/v1/push
    bearer_token: ${token}`;

const gelf = ({ host, port }: Target): string =>
  `docker run --log-driver gelf --log-opt gelf-address=udp://${host}:${port} IMAGE`;

const journald = ({ host, port }: Target): string =>
  `journalctl --output=export --follow | nc ${host} ${port}`;

const elasticsearch = ({
  url,
  token,
}: Target): string => `import { Client } from "@elastic/elasticsearch";

const client = new Client({
  node: "${url}",
  auth: { username: "quarterdeck", password: "${token}" },
});
await client.helpers.bulk({
  datasource: [{ "@timestamp": new Date().toISOString(), message: "hello" }],
  onDocument: () => ({ create: { _index: "logs-app-default" } }),
});`;

const curl = ({ url, token }: Target): string => `curl ${url}/push/app \\
  -H "Authorization: Bearer ${token}" -H "content-type: text/plain" \\
  --data-binary @app.log`;

/** The senders that are offered, each with a configuration that only needs the names of one's own logs. */
export const SHIPPERS: readonly Shipper[] = [
  {
    id: "filebeat",
    title: "Filebeat",
    receiver: "http",
    path: "/_bulk",
    where: "filebeat.yml",
    snippet: filebeat,
  },
  {
    id: "logstash",
    title: "Logstash",
    receiver: "http",
    path: "/_bulk",
    where: "pipeline.conf",
    snippet: logstash,
  },
  {
    id: "fluent-bit",
    title: "Fluent Bit",
    receiver: "http",
    path: "/_bulk",
    where: "fluent-bit.conf",
    snippet: fluentBit,
  },
  {
    id: "vector",
    title: "Vector",
    receiver: "http",
    path: "/_bulk",
    where: "vector.toml",
    snippet: vector,
  },
  {
    id: "opentelemetry",
    title: "OpenTelemetry Collector",
    receiver: "http",
    path: "/v1/logs",
    where: "config.yaml of the collector",
    snippet: openTelemetry,
  },
  {
    id: "rsyslog",
    title: "rsyslog",
    receiver: "syslog+tcp",
    where: "/etc/rsyslog.d/quarterdeck.conf",
    snippet: rsyslog,
  },
  {
    id: "rsyslog-relp",
    title: "rsyslog over RELP, which loses nothing",
    receiver: "relp+tcp",
    where: "/etc/rsyslog.d/quarterdeck.conf (package rsyslog-relp)",
    snippet: rsyslogRelp,
  },
  {
    id: "syslog-ng",
    title: "syslog-ng",
    receiver: "syslog+tcp",
    where: "/etc/syslog-ng/conf.d/quarterdeck.conf",
    snippet: syslogNg,
  },
  {
    id: "logger",
    title: "logger, in a shell",
    receiver: "syslog+udp",
    where: "a shell",
    snippet: logger,
  },
  {
    id: "nginx",
    title: "nginx over syslog",
    receiver: "syslog+udp",
    where: "nginx.conf, in the http block",
    snippet: nginx,
  },
  {
    id: "haproxy",
    title: "HAProxy over syslog",
    receiver: "syslog+udp",
    where: "haproxy.cfg",
    snippet: haproxy,
  },
  {
    id: "splunk",
    title: "Splunk HEC",
    receiver: "http",
    path: "/services/collector/event",
    where: "a shell, or any client of HEC with this URL and token",
    snippet: splunk,
  },
  {
    id: "promtail",
    title: "Promtail (Loki)",
    receiver: "http",
    path: "/loki/api/v1/push",
    where: "promtail.yaml",
    snippet: promtail,
  },
  {
    id: "gelf",
    title: "GELF, such as Docker's log driver",
    receiver: "gelf+udp",
    where: "a shell",
    snippet: gelf,
  },
  {
    id: "journal",
    title: "systemd journal",
    receiver: "journal+tcp",
    where: "a shell, or a unit of systemd",
    snippet: journald,
  },
  {
    id: "elasticsearch",
    title: "Elasticsearch client",
    receiver: "http",
    path: "/_bulk",
    where: "a program in JavaScript; those of other languages need the same URL, user and password",
    snippet: elasticsearch,
  },
  {
    id: "curl",
    title: "curl, or any HTTP client",
    receiver: "http",
    path: "/push/{stream}",
    where: "a shell",
    snippet: curl,
  },
];

/** The shippers whose protocol is served on these paths, or needs none. */
export const shippersFor = (pushPaths: readonly string[]): Shipper[] =>
  SHIPPERS.filter(({ path }) => path === undefined || pushPaths.includes(path));

type Listening = { source: string; address: string };

/** All addresses of a machine. */
const ANY = ["0.0.0.0", "[::]"];

/**
 * Where a shipper sends to, and the source that its events name; undefined if none of the receivers is of that kind.
 * `pageHost`: how the browser calls the machine, for receivers on all its addresses.
 */
export function targetOf(
  { receiver }: Pick<Shipper, "receiver">,
  listening: readonly Listening[],
  pageHost: string,
): (Omit<Target, "token"> & { source: string }) | undefined {
  const scheme = `${receiver}://`;
  const found = listening.find(({ address }) => address.startsWith(scheme));
  if (!found) return undefined;
  const rest = found.address.slice(scheme.length);
  const colon = rest.lastIndexOf(":");
  const named = rest.slice(0, colon);
  const host = ANY.includes(named) ? pageHost : named;
  const port = rest.slice(colon + 1);
  return { source: found.source, url: `${scheme}${host}:${port}`, host, port };
}
