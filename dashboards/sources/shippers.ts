/** Where a shipper sends to: the URL of the HTTP receiver, or host and port of a socket; and its token. */
export type Target = { url: string; host: string; port: string; token: string };

export type Shipper = {
  id: string;
  title: string;
  /** Scheme of the receiver's address, and the setting that turns it on. */
  receiver: "http" | "syslog+udp" | "syslog+tcp" | "relp+tcp" | "gelf+udp";
  /** The path to which it sends, for HTTP. */
  path?: string;
  /** The file that the snippet belongs in, or the command that it is. */
  where: string;
  snippet(target: Target): string;
};

/** The setting that turns a receiver on, with a usual value. */
export const RECEIVER_SETTINGS: Record<Shipper["receiver"], string> = {
  http: "QUARTERDECK_PUSH_PORT=4680",
  "syslog+udp": "QUARTERDECK_SYSLOG_UDP=5514",
  "syslog+tcp": "QUARTERDECK_SYSLOG_TCP=5514",
  "relp+tcp": "QUARTERDECK_RELP_TCP=2514",
  "gelf+udp": "QUARTERDECK_GELF_UDP=12201",
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
service:
  pipelines:
    logs:
      receivers: [otlp]
      exporters: [otlphttp/quarterdeck]`;

const rsyslog = ({ host, port }: Target): string =>
  `*.* action(type="omfwd" target="${host}" port="${port}" protocol="tcp" tcp_framing="octet-counted")`;

const rsyslogRelp = ({ host, port }: Target): string => `module(load="omrelp")
*.* action(type="omrelp" target="${host}" port="${port}" action.resumeRetryCount="-1")`;

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
    id: "nginx",
    title: "nginx over syslog",
    receiver: "syslog+udp",
    where: "http block of nginx.conf",
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

/** Host, port and URL of the receiver that a shipper needs; undefined if none of these addresses is of that kind. */
export function targetOf(
  { receiver }: Pick<Shipper, "receiver">,
  listening: readonly string[],
): Omit<Target, "token"> | undefined {
  const found = listening.find((address) => address.startsWith(`${receiver}://`));
  if (found === undefined) return undefined;
  const rest = found.slice(receiver.length + "://".length);
  const colon = rest.lastIndexOf(":");
  return { url: found, host: rest.slice(0, colon), port: rest.slice(colon + 1) };
}
