import type { EventDocument } from "../api.ts";
import { formatQuantity } from "../format.ts";
import { fieldText } from "../untrusted-text.ts";

/** An event's outcome as a shape and a word, never by colour alone. */
export type Level = { tone: "ok" | "notice" | "warning" | "error"; glyph: string; word: string };

const ERROR_LEVELS = /^(?:error|err|fatal|crit|critical|alert|emerg|emergency|panic)$/i;
const WARNING_LEVELS = /^(?:warn|warning)$/i;
const NANOSECONDS_PER_MS = 1_000_000;

export function levelOf({ fields }: EventDocument): Level {
  const status = fields["http.response.status_code"];
  if (typeof status === "number") return statusLevel(status);
  if (fields["event.kind"] === "pipeline_error") {
    return { tone: "warning", glyph: "◆", word: "quarantined" };
  }
  const level = fields["log.level"];
  if (typeof level !== "string") return { tone: "notice", glyph: "·", word: "event" };
  if (ERROR_LEVELS.test(level)) return { tone: "error", glyph: "▲", word: level };
  if (WARNING_LEVELS.test(level)) return { tone: "warning", glyph: "◆", word: level };
  return { tone: "notice", glyph: "·", word: level };
}

/** Time of the event, epoch ms; null if it has none. */
export function timeOf({ fields }: EventDocument): number | null {
  const at = fields["@timestamp"];
  if (typeof at === "number") return at;
  const parsed = typeof at === "string" ? Date.parse(at) : Number.NaN;
  return Number.isFinite(parsed) ? parsed : null;
}

/** A one-line summary. Untrusted text. */
export function summaryOf({ fields }: EventDocument): string {
  const url = fields["url.original"] ?? fields["url.path"];
  if (url !== undefined && url !== null) return requestSummary(fields, url);
  const text = fields["message"] ?? fields["error.message"] ?? fields["event.original"];
  return text === undefined || text === null ? JSON.stringify(fields) : fieldText(text);
}

function requestSummary(fields: EventDocument["fields"], url: unknown): string {
  const duration = fields["event.duration"];
  const parts = [
    fields["http.request.method"],
    url,
    typeof duration === "number" ? formatQuantity(duration / NANOSECONDS_PER_MS, "ms") : null,
    fields["source.address"] ?? fields["source.ip"],
    fields["user_agent.original"],
  ];
  const there = parts.filter((part) => part !== undefined && part !== null && part !== "");
  return there.map(fieldText).join("  ");
}

function statusLevel(status: number): Level {
  const word = String(status);
  if (status >= 500) return { tone: "error", glyph: "▲", word };
  if (status >= 400) return { tone: "warning", glyph: "◆", word };
  return { tone: "ok", glyph: "●", word };
}
