import type { Filter, TimeRange } from "#pipeline/filter.ts";
import { parseQuery } from "#pipeline/query-language.ts";
import { parseRange } from "#pipeline/time-range.ts";
import { AppError } from "#platform/errors.ts";

type Asked = { q: string; from?: string | undefined; to?: string | undefined };

/** The words and times of a question; without times, the last hour. @throws AppError that says what is wrong where */
export function questionOf({ q, from, to }: Asked, nowMs: number): TimeRange & { where: Filter } {
  const range = parseRange({ from: from ?? (to === undefined ? "now-1h" : from), to }, nowMs);
  const { fromMs, toMs } = range ?? { fromMs: nowMs - 3_600_000, toMs: nowMs };
  return { fromMs, toMs, where: filterOf(q) };
}

/** The words of a question. @throws AppError that names the column at which they are wrong */
/** @throws AppError that names the column */
export function filterOf(q: string): Filter {
  try {
    return parseQuery(q);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, message } = error;
    throw new AppError(code, `query.q: ${message}`, {
      cause: error,
      fields: [{ path: "query.q", code: "invalid", message }],
    });
  }
}
