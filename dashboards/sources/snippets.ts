/** Where a shipper sends to: the URL of the HTTP receiver, or host and port of a socket; and its token. */
export type Target = { url: string; host: string; port: string; token: string };

export const filebeat = ({ url, token }: Target): string => `filebeat.inputs:
  - type: filestream
    id: logs
    paths: [/var/log/nginx/*.log]
output.elasticsearch:
  hosts: ["${url}"]
  api_key: "quarterdeck:${token}"
setup.ilm.enabled: false
setup.template.enabled: false`;

export const logstash = ({ url, token }: Target): string => `output {
  elasticsearch {
    hosts => ["${url}"]
    user => "quarterdeck"
    password => "${token}"
    data_stream => "true"
  }
}`;

export const fluentBit = ({ host, port, token }: Target): string => `[OUTPUT]
    Name               es
    Match              *
    Host               ${host}
    Port               ${port}
    HTTP_User          quarterdeck
    HTTP_Passwd        ${token}
    Index              logs
    Suppress_Type_Name On
    Generate_ID        On`;

export const vector = ({ url, token }: Target): string => `[sinks.quarterdeck]
type = "elasticsearch"
inputs = ["your_source"]
endpoints = ["${url}"]
mode = "data_stream"
auth.strategy = "basic"
auth.user = "quarterdeck"
auth.password = "${token}"`;

export const openTelemetry = ({ url, token }: Target): string => `exporters:
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

export const rsyslog = ({ host, port }: Target): string =>
  `*.* action(type="omfwd" target="${host}" port="${port}" protocol="tcp" tcp_framing="octet-counted")`;

export const rsyslogRelp = ({ host, port }: Target): string => `module(load="omrelp")
*.* action(type="omrelp" target="${host}" port="${port}" action.resumeRetryCount="-1")`;

export const syslogNg = ({
  host,
  port,
}: Target): string => `destination d_quarterdeck { syslog("${host}" port(${port}) transport("tcp")); };
log { source(s_src); destination(d_quarterdeck); };`;

export const logger = ({ host, port }: Target): string =>
  `logger --server ${host} --port ${port} --udp --rfc5424 "hello from logger"`;

export const nginx = ({
  host,
  port,
}: Target): string => `access_log syslog:server=${host}:${port},tag=nginx combined;
error_log syslog:server=${host}:${port};`;

export const haproxy = ({ host, port }: Target): string => `global
    log ${host}:${port} local0
defaults
    log global
    option httplog`;

export const splunk = ({ url, token }: Target): string => `curl ${url}/services/collector/event \\
  -H "Authorization: Splunk ${token}" \\
  -d '{"event": "hello", "sourcetype": "app"}'`;

export const promtail = ({ url, token }: Target): string => `clients:
  - url: ${url}/loki/api/v1/push
    bearer_token: ${token}`;

export const gelf = ({ host, port }: Target): string =>
  `docker run --log-driver gelf --log-opt gelf-address=udp://${host}:${port} IMAGE`;

export const journald = ({ host, port }: Target): string =>
  `journalctl --output=export --follow | nc ${host} ${port}`;

export const elasticsearch = ({
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

export const curl = ({ url, token }: Target): string => `curl ${url}/push/app \\
  -H "Authorization: Bearer ${token}" -H "content-type: text/plain" \\
  --data-binary @app.log`;

/** AWS needs TLS and an address that it can reach: those of the proxy. */
export const firehose = ({ url, token }: Target): string => `{
  "DeliveryStreamName": "logs",
  "HttpEndpointDestinationConfiguration": {
    "EndpointConfiguration": {
      "Url": "${url.replace(/^http:/, "https:")}/firehose",
      "Name": "Quarterdeck",
      "AccessKey": "${token}"
    },
    "BufferingHints": { "SizeInMBs": 4, "IntervalInSeconds": 60 },
    "RoleARN": "ROLE_ARN",
    "S3Configuration": { "RoleARN": "ROLE_ARN", "BucketARN": "BUCKET_ARN_FOR_FAILURES" }
  }
}`;
