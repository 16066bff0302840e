/** Invoices and credit notes have separate series, which restart each year (UTC). */
export type SeriesKind = "INV" | "CN";
export type Numbered = { series: string; sequence: number; number: string };

const DIGITS = 6;

export const seriesOf = (kind: SeriesKind, nowMs: number): string =>
  `${kind}-${new Date(nowMs).getUTCFullYear()}`;

/** `INV-2026-000042`; longer after 999999. */
export const numbered = (series: string, sequence: number): Numbered => ({
  series,
  sequence,
  number: `${series}-${String(sequence).padStart(DIGITS, "0")}`,
});
