import type { Source } from "./facts.ts";

export const FORMATS = ["json", "csv", "parquet"] as const;
export type Format = (typeof FORMATS)[number];

export const MEDIA: Readonly<Record<Format, string>> = {
  json: "application/json",
  csv: "text/csv; charset=utf-8; header=present",
  parquet: "application/vnd.apache.parquet",
};

export const RUN_STATUSES = ["waiting", "succeeded", "failed"] as const;

/** The time up to which the data of each source of a report is complete; null: no data yet. Epoch ms. */
export type DataUntil = Partial<Record<Source, number | null>>;

/** Retention of results after the run. */
export const RESULT_DAYS = 30;
/** Retention of runs without their result. */
export const RUN_DAYS = 400;

/** The requested format: from the parameter, otherwise the Accept header, otherwise JSON. */
export function formatOf(
  requested: Format | undefined,
  accept: string | undefined,
): Format | undefined {
  if (requested !== undefined) return requested;
  if (accept === undefined || accept.trim() === "") return "json";
  const wanted = accept
    .split(",")
    .map((it) => weighted(it))
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => b.weight - a.weight);
  for (const { type } of wanted) {
    if (type === "*/*" || type === "application/*") return "json";
    const found = FORMATS.find((format) => MEDIA[format].split(";")[0] === type);
    if (found !== undefined) return found;
    if (type === "text/*") return "csv";
  }
  return undefined;
}

function weighted(text: string): { type: string; weight: number } {
  const [type = "", ...parameters] = text.split(";").map((it) => it.trim().toLowerCase());
  const quality = parameters.find((it) => it.startsWith("q="));
  const weight = quality === undefined ? 1 : Number(quality.slice(2));
  return { type, weight: Number.isFinite(weight) ? weight : 0 };
}
