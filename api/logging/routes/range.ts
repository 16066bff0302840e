import type { Filter, TimeRange } from "#pipeline/filter.ts";
import { parseQuery } from "#pipeline/query-language.ts";
import { parseRange } from "#pipeline/time-range.ts";
import { AppError } from "#platform/errors.ts";

type LogQuery = { q: string; from?: string | undefined; to?: string | undefined };

/** Parses query and range; default: the last hour. @throws AppError that names the parameter */
export function parseLogQuery(
  { q, from, to }: LogQuery,
  nowMs: number,
): TimeRange & { where: Filter } {
  const range = parseRange({ from: from ?? (to === undefined ? "now-1h" : from), to }, nowMs);
  const { fromMs, toMs } = range ?? { fromMs: nowMs - 3_600_000, toMs: nowMs };
  return { fromMs, toMs, where: filterOf(q) };
}

/** Parses the query. @throws AppError that names the column of the mistake */
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
