import type { RangeText } from "./time-range.ts";

/** The page's address with another range; null leaves the choice of the range to the server. */
export function linkTo(href: string, range: RangeText | null): string {
  const url = new URL(href);
  for (const name of ["from", "to"] as const) {
    if (range) url.searchParams.set(name, range[name]);
    else url.searchParams.delete(name);
  }
  return url.href;
}
