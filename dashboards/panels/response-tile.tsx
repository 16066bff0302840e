"use client";

import { useMemo } from "react";

import { formatQuantity, quantity } from "../format.ts";
import type { Line } from "./chart-rows.ts";
import { ChartTile } from "./chart-tile.tsx";
import { comparisonLines } from "./comparison-lines.tsx";
import { isFuture, NO_DATA_YET, pointsOf, type TileContext, valueOf } from "./tile-context.ts";

/** Response time: median, p95 and p99. */
export function ResponseTile({ board, live, frame, freshness, meaning, over }: TileContext) {
  const [p50, p95, p99] = [
    pointsOf(board, "response_time_p50"),
    pointsOf(board, "response_time_p95"),
    pointsOf(board, "response_time_p99"),
  ];
  const lines = useMemo(
    (): Line[] => [
      ...comparisonLines(board, "response_time_p95", "p95"),
      { key: "p99", label: "p99", color: "var(--p99)", dash: "2 2", points: p99 },
      { key: "p95", label: "p95", color: "var(--p95)", width: 2, points: p95 },
      { key: "p50", label: "p50", color: "var(--p50)", points: p50 },
    ],
    [board, p50, p95, p99],
  );
  const shown = (percent: number) => valueOf({ board, live }, `response_time_p${percent}`);
  const known = shown(95) !== null || p95.some(([, value]) => value !== null);
  return (
    <ChartTile
      name="response"
      title="Response time"
      unit="ms"
      value={quantity(shown(95), "ms")}
      caption={
        known ? (
          <>
            <span className="legend">
              <i className="key" style={{ background: "var(--p95)" }} /> p95, {over}
            </span>
            <span className="legend">
              <i className="key" style={{ background: "var(--p50)" }} /> p50{" "}
              <b>{formatQuantity(shown(50), "ms")}</b>
            </span>
            <span className="legend">
              <i className="key" style={{ background: "var(--p99)" }} /> p99{" "}
              <b>{formatQuantity(shown(99), "ms")}</b>
            </span>
          </>
        ) : null
      }
      nothing={missingDurationText(board)}
      meaning={meaning}
      freshness={freshness}
      frame={frame}
      lines={lines}
    />
  );
}

function missingDurationText(board: TileContext["board"]): string {
  if (isFuture(board)) return NO_DATA_YET;
  return pointsOf(board, "requests_per_second").some(([, rate]) => (rate ?? 0) > 0)
    ? "This log has no request durations. In nginx, add $request_time to log_format."
    : "No request in this range has a duration.";
}
