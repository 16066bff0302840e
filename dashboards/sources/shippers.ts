import {
  filebeat,
  logstash,
  fluentBit,
  vector,
  openTelemetry,
  rsyslog,
  rsyslogRelp,
  syslogNg,
  logger,
  nginx,
  haproxy,
  splunk,
  promtail,
  gelf,
  journald,
  elasticsearch,
  curl,
  firehose,
  type Target,
} from "./snippets.ts";

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
    id: "firehose",
    title: "Amazon Data Firehose",
    receiver: "http",
    path: "/firehose",
    where:
      "aws firehose create-delivery-stream --cli-input-json, with the address of your TLS proxy",
    snippet: firehose,
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
