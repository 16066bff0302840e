import type { RangeText } from "./time-range.ts";

export const SEARCH_HELP_PATH = "/help";

/** The page's URL with another range; null lets the server choose the range. */
export function linkTo(href: string, range: RangeText | null): string {
  const url = new URL(href);
  for (const name of ["from", "to"] as const) {
    if (range) url.searchParams.set(name, range[name]);
    else url.searchParams.delete(name);
  }
  return url.href;
}
