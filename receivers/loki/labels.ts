import { nearestDataset } from "#pipeline/dataset-names.ts";

export type Labels = Readonly<Record<string, string>>;

const LABELS_LENGTH_MAX = 64 * 1024;
const NAME = /\s*([A-Za-z_][\w.:/-]*)\s*=\s*/y;
const QUOTED = /"((?:[^"\\]|\\[^])*)"|`([^`]*)`/y;
const NEXT = /\s*(?:,|$)/y;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

/** The labels of a stream in Prometheus' notation, `{app="shop", level="info"}`; undefined if they are not valid. */
export function parseLabels(text: string): Labels | undefined {
  if (text.length > LABELS_LENGTH_MAX) return undefined;
  const body = /^\s*\{([^]*)\}\s*$/.exec(text)?.[1];
  if (body === undefined) return undefined;
  const labels: Record<string, string> = Object.create(null);
  for (let at = 0; body.slice(at).trim() !== "";) {
    const name = matchAt(NAME, body, at);
    const value = name && matchAt(QUOTED, body, NAME.lastIndex);
    if (!name || !value) return undefined;
    labels[name[1] ?? ""] = value[2] ?? unescaped(value[1] ?? "");
    at = QUOTED.lastIndex;
    if (!matchAt(NEXT, body, at)) return undefined;
    at = NEXT.lastIndex;
  }
  return labels;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

const unescaped = (text: string): string =>
  text.includes("\\")
    ? text.replaceAll(/\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[^])/g, (escape) => {
        const kind = escape[1] ?? "";
        return escape.length > 2
          ? String.fromCharCode(Number.parseInt(escape.slice(2), 16))
          : (ESCAPES[kind] ?? kind);
      })
    : text;

/** Labels of widely used configurations of Promtail, Alloy and client libraries, and their fields. */
const ECS_NAMES: Readonly<Record<string, string>> = {
  filename: "log.file.path",
  host: "host.name",
  hostname: "host.name",
  nodename: "host.name",
  service_name: "service.name",
  service: "service.name",
  app: "service.name",
  application: "service.name",
  env: "service.environment",
  environment: "service.environment",
  level: "log.level",
  detected_level: "log.level",
  severity: "log.level",
  stream: "log.iostream",
  container: "container.name",
  container_name: "container.name",
  namespace: "kubernetes.namespace",
  pod: "kubernetes.pod.name",
  node_name: "kubernetes.node.name",
  trace_id: "trace.id",
  traceID: "trace.id",
  span_id: "span.id",
};

/** The ECS fields of labels; those without a name in ECS are labels of the event too. */
export function fieldsOfLabels(labels: Labels): Record<string, string> {
  const fields: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(labels)) {
    const known = Object.hasOwn(ECS_NAMES, name) ? ECS_NAMES[name] : undefined;
    const field = known === undefined || known in fields ? `labels.${name}` : known;
    if (value !== "") fields[field] = value;
  }
  return fields;
}

/** The dataset of lines that no format can read: the name of the service or job. */
export function unreadDataset(labels: Labels): string | undefined {
  const { service_name, service, app, application, job } = labels;
  const name = service_name ?? service ?? app ?? application ?? job;
  return name === undefined ? undefined : nearestDataset(name);
}
