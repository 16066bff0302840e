"use client";

import type { Board, Comparison } from "../api.ts";
import { formatRange, type Zone } from "../zone.ts";
import type { Line } from "./chart-rows.ts";

const WORDS: Record<Comparison["to"], string> = {
  previous: "previous period",
  week: "last week",
};

/** The line of a metric in the compared period; none if nothing is compared. */
export function comparisonLines({ comparison }: Board, metric: string, label = ""): Line[] {
  const points = comparison?.series[metric];
  if (!comparison || !points) return [];
  const name = `${label} ${WORDS[comparison.to]}`.trim();
  return [{ key: `compared ${metric}`, label: name, color: "var(--ink-3)", dash: "1 3", points }];
}

/** Names the compared period. */
export function ComparisonNote({
  comparison,
  zone,
}: {
  comparison: Comparison | null;
  zone: Zone;
}) {
  if (!comparison) return null;
  const { fromMs, toMs, to, series } = comparison;
  const isEmpty = Object.values(series).every((points) => points.every(([, value]) => !value));
  return (
    <p className="comparison-note quiet" data-testid="comparison">
      <i className="key key-dots" aria-hidden="true" /> Dotted: {WORDS[to]},{" "}
      {formatRange(minute(fromMs), minute(toMs), zone)}
      {isEmpty ? ", of which there are no data" : ""}
    </p>
  );
}

const minute = (ms: number): number => Math.floor(ms / 60_000) * 60_000;
