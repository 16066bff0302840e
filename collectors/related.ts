/** Of each dataset, which fields name addresses, users and hosts: those that Elastic's modules gather for it. */
const SOURCES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "nginx.access": { "related.ip": ["source.ip", "destination.ip"], "related.user": ["user.name"] },
  "nginx.ingress_controller": {
    "related.ip": ["source.ip", "nginx.ingress_controller.upstream.ip"],
    "related.user": ["user.name"],
  },
  "haproxy.log": {
    "related.ip": ["source.ip", "destination.ip"],
    "related.hosts": ["destination.domain"],
  },
};

/** Adds related.ip, related.user and related.hosts to a flat document; lists that it has already stay as they are. */
export function addRelated(document: Record<string, unknown>): void {
  const dataset = document["data_stream.dataset"];
  if (typeof dataset !== "string" || !Object.hasOwn(SOURCES, dataset)) return;
  for (const [name, fields] of Object.entries(SOURCES[dataset] ?? {})) {
    const values = fields.map((field) => document[field]).filter((value) => value !== undefined);
    if (values.length > 0) document[name] ??= [...new Set(values)];
  }
}
