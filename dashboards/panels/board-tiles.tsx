"use client";

import { useMemo } from "react";

import type { Board } from "../api.ts";
import type { RangeState } from "../client/use-range.ts";
import { quantity } from "../format.ts";
import { formatTime, isWholeMinutes } from "../zone.ts";
import type { Line } from "./chart-rows.ts";
import { type ChartFrame, ChartTile } from "./chart-tile.tsx";
import { comparisonLines } from "./comparison-lines.tsx";
import { ErrorsTile } from "./errors-tile.tsx";
import { InstancesTile } from "./instances-tile.tsx";
import { RequestsTile } from "./requests-tile.tsx";
import { ResponseTile } from "./response-tile.tsx";
import { isFuture, NO_DATA_YET, pointsOf, type TileContext, valueOf } from "./tile-context.ts";
import { TopRoutesTile } from "./top-routes-tile.tsx";
import { TotalsTile } from "./totals-tile.tsx";
import { TurnoverTile } from "./turnover-tile.tsx";
import type { BoardDeploys } from "./use-board-deploys.ts";

type BoardTilesProps = Pick<TileContext, "board" | "live" | "freshness"> & {
  range: RangeState;
  deploys: BoardDeploys;
  meanings: ReadonlyMap<string, string>;
  loading: boolean;
};

export function BoardTiles(props: BoardTilesProps) {
  const { board, live, freshness, range, deploys, meanings, loading } = props;
  const { marks, fleet } = deploys;
  const { fromMs, toMs, holes } = board;
  const { zone, setRange } = range;
  const isLive = board.live;
  const frame = useMemo(
    () => ({ fromMs, toMs, holes, marks, zone, live: isLive, onZoom: setRange }),
    [fromMs, toMs, holes, marks, zone, isLive, setRange],
  );
  const over = live ? "last minute" : "over the range";
  const context = (metric: string): TileContext => ({
    board,
    live,
    freshness,
    frame,
    over,
    meaning: meanings.get(metric),
  });
  return (
    <div className="board" data-testid="board" data-loading={loading || undefined}>
      <RequestsTile
        {...context("requests_per_second")}
        value={valueOf(props, "requests_per_second")}
        over={over}
        nowMs={board.live ? toMs : undefined}
        search={range.search}
      />
      <TurnoverTile
        {...context("turnover")}
        meaning={meaningOf(meanings, "sign_ins", "sign_outs")}
      />
      <ResponseTile {...context("response_time_p95")} />
      <ErrorsTile
        {...context("error_ratio")}
        meaning={meaningOf(meanings, "error_ratio", "client_error_ratio")}
        search={range.search}
      />
      <UsersTile {...context("users_connected")} />
      <InstancesTile {...context("instances_running")} fleet={fleet} />
      <TopRoutesTile
        routes={live?.topRoutes ?? board.topRoutes}
        shortfallMax={(live ?? board).topRoutesShortfallMax}
        caption={live ? "last 5 minutes" : over}
        nothing={isFuture(board) ? NO_DATA_YET : "No request in this range has a route."}
        freshness={freshness}
        meaning={meanings.get("requests")}
        search={range.search}
      />
      <TotalsTile {...context("requests")} search={range.search} />
    </div>
  );
}

function meaningOf(meanings: ReadonlyMap<string, string>, ...metrics: string[]) {
  const words = metrics.flatMap((name) => meanings.get(name) ?? []);
  return words.length > 0 ? words.join(" ") : undefined;
}

function UsersTile({ board, live, frame, freshness, meaning }: TileContext) {
  const usersConnected = pointsOf(board, "users_connected");
  const lines = useMemo(
    (): Line[] => [
      ...comparisonLines(board, "users_connected"),
      { key: "users", label: "users", color: "var(--users)", points: usersConnected },
    ],
    [board, usersConnected],
  );
  const value = valueOf({ board, live }, "users_connected");
  return (
    <ChartTile
      name="users"
      title="Users connected"
      unit="count"
      value={quantity(value, "count")}
      caption={`distinct visitors, ${live ? "last 5 minutes" : visitorsWindow(board, frame)}`}
      meaning={meaning}
      freshness={freshness}
      frame={frame}
      lines={lines}
    />
  );
}

/** Visitors are counted in whole minutes, except under a filter. */
function visitorsWindow({ isFiltered }: Board, { fromMs, toMs, zone }: ChartFrame): string {
  if (isFiltered || isWholeMinutes(fromMs, toMs)) return "over the range";
  const [first, end] = [
    Math.floor(fromMs / MINUTE_MS) * MINUTE_MS,
    Math.ceil(toMs / MINUTE_MS) * MINUTE_MS,
  ];
  return `whole minutes, ${formatTime(first, zone, false)} – ${formatTime(end, zone, false)}`;
}

const MINUTE_MS = 60_000;
