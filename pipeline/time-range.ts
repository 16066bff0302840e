import { AppError } from "#platform/errors.ts";

const UNIT_MS: Record<string, number> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** The clocks of hosts differ; events that are further ahead of this machine's clock have wrong times. */
export const AHEAD_MS_MAX = 5 * 60_000;

/** Range of a JavaScript Date, ms before and after 1970. */
const INSTANT_MS_MAX = 8.64e15;

/** Parses `now`, `now-15m`, `now+3h`, an ISO 8601 time or epoch ms, to epoch ms. @throws AppError that names the parameter */
export function parseInstant(text: string, name: string, nowMs: number): number {
  // A plus that a person types into a URL arrives as a space.
  const relative = /^now(?:([-+ ])(\d{1,6})([smhdw]))?$/.exec(text);
  if (relative) {
    const [, sign, amount = "0", unit = "s"] = relative;
    return nowMs + (sign === "-" ? -1 : 1) * Number(amount) * (UNIT_MS[unit] ?? 0);
  }
  const instant = /^-?\d{1,16}$/.test(text) ? Number(text) : isoInstant(text);
  if (Math.abs(instant) <= INSTANT_MS_MAX) return instant;
  const message = `“${text.slice(0, 40)}” is not a time: write now, now-15m, now+3h, 2026-05-17T10:05:00Z, or epoch milliseconds`;
  throw wrong(name, message, `${name}: ${message}`);
}

const wrong = (name: string, message: string, detail = message): AppError =>
  new AppError("bad_request", detail, {
    fields: [{ path: `query.${name}`, code: "invalid", message }],
  });

/** A date without a zone is in UTC, regardless of the machine's zone. */
function isoInstant(text: string): number {
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return Number.NaN;
  const hasTime = text.length > 10;
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/.test(text);
  return Date.parse(hasTime && !hasZone ? `${text.replace(" ", "T")}Z` : text);
}

export type RequestedRange = { fromMs: number; toMs: number; live: boolean };

/** The range of a request's `from` and `to`; undefined without both. It is live if it ends now. */
export function parseRange(
  query: { from?: string | undefined; to?: string | undefined },
  nowMs: number,
): RequestedRange | undefined {
  if (query.from === undefined && query.to === undefined) return undefined;
  const toMs = parseInstant(query.to ?? "now", "to", nowMs);
  const fromMs = parseInstant(query.from ?? "now-1h", "from", nowMs);
  if (fromMs >= toMs) {
    throw wrong("from", "from must be before to: swap them, or widen the range");
  }
  return { fromMs, toMs, live: query.to === undefined || query.to === "now" };
}
