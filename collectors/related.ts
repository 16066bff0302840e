import { findFormat } from "./formats/index.ts";

/** Adds related.ip, related.user and related.hosts to a flat document; existing lists are kept. */
export function addRelated(document: Record<string, unknown>): void {
  const dataset = document["data_stream.dataset"];
  const related = typeof dataset === "string" ? findFormat(dataset)?.related : undefined;
  for (const [name, fields] of Object.entries(related ?? {})) {
    const values = fields.flatMap((field) => document[field] ?? []);
    if (values.length > 0) document[name] ??= [...new Set(values)];
  }
}
