import { Parser, type Document } from "#collectors/parse.ts";
import { compileFormat } from "#collectors/user-formats/user-format.ts";
import type { Zone } from "#collectors/zone.ts";
import type { TrialAnswer, TriedLine } from "#dashboards/formats/messages.ts";

const LINES_MAX = 50;
const VALUE_CHARS_MAX = 1_000;
/** Trying lines occupies the thread that answers requests. */
const MS_MAX = 250;
const HIDDEN = new Set(["event.original", "event.kind", "data_stream.dataset", "error.message"]);

export type Trial = { pattern: string; lines: string; zone: Zone; nowMs: number };

/** Tries a pattern on lines, for a person who is writing it. */
export function tryPattern({ pattern, lines, zone, nowMs }: Trial): TrialAnswer {
  const texts = lines.split(/\r?\n/).filter((line) => line !== "");
  const compiled = compileFormat({ name: "this format", pattern });
  if (!compiled.ok) return { mistake: compiled.message, lines: [], left: texts.length };
  const { format } = compiled;
  const rules = { signIn: [], signOut: [] };
  const endMs = performance.now() + MS_MAX;
  const tried: TriedLine[] = [];
  for (const line of texts.slice(0, LINES_MAX)) {
    if (performance.now() > endMs) break;
    const parser = new Parser({ format, mode: "lines", zone, nowMs, all: true, rules });
    const [document] = [...parser.push(Buffer.from(line)), ...parser.end()];
    if (document) tried.push(triedLine(line, document));
  }
  return { mistake: null, lines: tried, left: texts.length - tried.length };
}

function triedLine(line: string, document: Document): TriedLine {
  const isRefused = document["event.kind"] === "pipeline_error";
  const names = isRefused ? [] : Object.keys(document).filter((name) => !HIDDEN.has(name));
  return {
    line: line.slice(0, VALUE_CHARS_MAX),
    reason: isRefused ? String(document["error.message"]) : null,
    fields: names.toSorted().map((name) => ({ name, value: shown(document[name]) })),
  };
}

const shown = (value: unknown): string =>
  (typeof value === "string" ? value : (JSON.stringify(value) ?? "")).slice(0, VALUE_CHARS_MAX);
