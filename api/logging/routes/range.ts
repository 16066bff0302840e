import type { Filter, TimeRange } from "#pipeline/filter.ts";
import { type FieldLookup, parseKnownQuery } from "#pipeline/query/known-fields.ts";
import { parseRange } from "#pipeline/time-range.ts";
import { AppError } from "#platform/errors.ts";

type LogQuery = { q: string; from?: string | undefined; to?: string | undefined };

/** Parses query and range; default: the last hour. @throws AppError that names the parameter */
export async function parseLogQuery(
  { q, from, to }: LogQuery,
  nowMs: number,
  lookup: FieldLookup,
): Promise<TimeRange & { where: Filter }> {
  const range = parseRange({ from: from ?? (to === undefined ? "now-1h" : from), to }, nowMs);
  const { fromMs, toMs } = range ?? { fromMs: nowMs - 3_600_000, toMs: nowMs };
  return { fromMs, toMs, where: await filterOf(q, lookup) };
}

/** Parses the query, and checks that its fields exist. @throws AppError that names the column of the mistake */
export async function filterOf(q: string, lookup: FieldLookup): Promise<Filter> {
  try {
    return await parseKnownQuery(q, lookup);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, message } = error;
    if (code !== "bad_request") throw error;
    throw new AppError(code, `query.q: ${message}`, {
      cause: error,
      fields: [{ path: "query.q", code: "invalid", message }],
    });
  }
}
