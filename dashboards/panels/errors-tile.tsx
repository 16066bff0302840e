"use client";

import { useMemo } from "react";

import { Link } from "../client/link.tsx";
import { formatQuantity, quantity } from "../format.ts";
import { withTerm } from "../search-terms.ts";
import type { Line } from "./chart-rows.ts";
import { ChartTile } from "./chart-tile.tsx";
import { comparisonLines } from "./comparison-lines.tsx";
import { pointsOf, type TileContext, valueOf } from "./tile-context.ts";

type ErrorsTileProps = TileContext & {
  /** The page's range and filter as a query string. */
  search: string;
};

/** Requests answered 5xx and 4xx, as shares. */
export function ErrorsTile(props: ErrorsTileProps) {
  const { board, live, frame, freshness, meaning, over, search } = props;
  const server = pointsOf(board, "error_ratio");
  const client = pointsOf(board, "client_error_ratio");
  const lines = useMemo(
    (): Line[] => [
      ...comparisonLines(board, "client_error_ratio", "4xx"),
      ...comparisonLines(board, "error_ratio", "5xx"),
      { key: "4xx", label: "4xx", color: "var(--p95)", dash: "4 2", points: client },
      { key: "5xx", label: "5xx", color: "var(--error-mark)", points: server },
    ],
    [board, server, client],
  );
  const shown = (metric: string): number | null => valueOf({ board, live }, metric);
  return (
    <ChartTile
      name="errors"
      title="Errors"
      unit="ratio"
      value={quantity(shown("error_ratio"), "ratio")}
      caption={
        <>
          <span className="legend">
            <i className="key" style={{ background: "var(--error-mark)" }} />
            <span>
              <Link href={statusHref(search, 5)} prefetch={false}>
                5xx
              </Link>
              , of requests, {over}
            </span>
          </span>
          <span className="legend">
            <i className="key" style={{ background: "var(--p95)" }} />
            <Link href={statusHref(search, 4)} prefetch={false}>
              4xx
            </Link>{" "}
            <b>{formatQuantity(shown("client_error_ratio"), "ratio")}</b>
          </span>
        </>
      }
      meaning={meaning}
      freshness={freshness}
      frame={frame}
      lines={lines}
    />
  );
}

/** Link to the events of a class of status. */
function statusHref(search: string, statusClass: 4 | 5): string {
  const query = new URLSearchParams(search);
  query.set("q", withTerm(query.get("q") ?? "", `status:${statusClass}xx`));
  return `/explore?${query.toString()}`;
}
