"use client";

import { useMemo } from "react";

import { formatQuantity, quantity } from "../format.ts";
import type { Line } from "./chart-rows.ts";
import { ChartTile } from "./chart-tile.tsx";
import type { TileContext } from "./tile-context.ts";

/** Response time: median, p95 and p99. */
export function ResponseTile({ board, live, frame, freshness, meaning, over }: TileContext) {
  const { p50, p95, p99 } = board.responseTimeMs;
  const lines = useMemo(
    (): Line[] => [
      { key: "p99", label: "p99", color: "var(--p99)", dash: "2 2", points: p99 },
      { key: "p95", label: "p95", color: "var(--p95)", width: 2, points: p95 },
      { key: "p50", label: "p50", color: "var(--p50)", points: p50 },
    ],
    [p50, p95, p99],
  );
  const { p50Ms, p95Ms, p99Ms } = board.summary;
  const shown = live?.responseTimeMs ?? { p50: p50Ms, p95: p95Ms, p99: p99Ms };
  const known = shown.p95 !== null || p95.some(([, value]) => value !== null);
  return (
    <ChartTile
      name="response"
      title="Response time"
      unit="ms"
      value={quantity(shown.p95, "ms")}
      caption={
        known ? (
          <>
            <span className="legend">
              <i className="key" style={{ background: "var(--p95)" }} /> p95, {over}
            </span>
            <span className="legend">
              <i className="key" style={{ background: "var(--p50)" }} /> p50{" "}
              <b>{formatQuantity(shown.p50, "ms")}</b>
            </span>
            <span className="legend">
              <i className="key" style={{ background: "var(--p99)" }} /> p99{" "}
              <b>{formatQuantity(shown.p99, "ms")}</b>
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

function missingDurationText({ requestsPerSecond }: TileContext["board"]): string {
  return requestsPerSecond.some(([, rate]) => (rate ?? 0) > 0)
    ? "This log has no request durations. In nginx, add $request_time to log_format."
    : "No request in this range has a duration.";
}
