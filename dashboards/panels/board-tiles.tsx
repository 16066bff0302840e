"use client";

import Link from "next/link";
import { type ReactNode, useMemo } from "react";

import type { RangeState } from "../client/use-range.ts";
import { formatExact, formatQuantity, quantity } from "../format.ts";
import { term } from "../search-terms.ts";
import { formatTime, isWholeMinutes } from "../zone.ts";
import type { Line } from "./chart-rows.ts";
import { type ChartFrame, ChartTile } from "./chart-tile.tsx";
import { InstancesTile } from "./instances-tile.tsx";
import { RequestsTile } from "./requests-tile.tsx";
import { ResponseTile } from "./response-tile.tsx";
import { pointsOf, type TileContext, valueOf } from "./tile-context.ts";
import { Tile } from "./tile.tsx";
import { TopRoutesTile } from "./top-routes-tile.tsx";
import { TurnoverTile } from "./turnover-tile.tsx";

type BoardTilesProps = Pick<TileContext, "board" | "live" | "freshness"> & {
  range: RangeState;
  meanings: ReadonlyMap<string, string>;
  loading: boolean;
};

export function BoardTiles(props: BoardTilesProps) {
  const { board, live, freshness, range, meanings, loading } = props;
  const { fromMs, toMs, holes } = board;
  const { zone, setRange } = range;
  const isLive = board.live;
  const frame = useMemo(
    () => ({ fromMs, toMs, holes, zone, live: isLive, onZoom: setRange }),
    [fromMs, toMs, holes, zone, isLive, setRange],
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
      <TurnoverTile {...context("turnover")} meaning={turnoverMeaning(meanings)} />
      <ResponseTile {...context("response_time_p95")} />
      <ErrorsTile {...context("error_ratio")} />
      <UsersTile {...context("users_connected")} />
      <InstancesTile {...context("instances_running")} />
      <TopRoutesTile
        routes={live?.topRoutes ?? board.topRoutes}
        shortfallMax={(live ?? board).topRoutesShortfallMax}
        caption={live ? "last 5 minutes" : over}
        freshness={freshness}
        meaning={meanings.get("requests")}
        search={range.search}
      />
      <TotalsTile {...context("requests")} search={range.search} />
    </div>
  );
}

function turnoverMeaning(meanings: ReadonlyMap<string, string>): string | undefined {
  const words = ["sign_ins", "sign_outs"].flatMap((name) => meanings.get(name) ?? []);
  return words.length > 0 ? words.join(" ") : undefined;
}

function ErrorsTile({ board, live, frame, freshness, meaning, over }: TileContext) {
  const errorRatio = pointsOf(board, "error_ratio");
  const lines = useMemo(
    (): Line[] => [
      { key: "errors", label: "errors", color: "var(--error-mark)", points: errorRatio },
    ],
    [errorRatio],
  );
  const value = valueOf({ board, live }, "error_ratio");
  return (
    <ChartTile
      name="errors"
      title="Errors"
      unit="ratio"
      value={quantity(value, "ratio")}
      caption={`of requests answered 5xx, ${over}`}
      meaning={meaning}
      freshness={freshness}
      frame={frame}
      lines={lines}
    />
  );
}

function UsersTile({ board, live, frame, freshness, meaning }: TileContext) {
  const usersConnected = pointsOf(board, "users_connected");
  const lines = useMemo(
    (): Line[] => [{ key: "users", label: "users", color: "var(--users)", points: usersConnected }],
    [usersConnected],
  );
  const value = valueOf({ board, live }, "users_connected");
  return (
    <ChartTile
      name="users"
      title="Users connected"
      unit="count"
      value={quantity(value, "count")}
      caption={`distinct visitors, ${live ? "last 5 minutes" : visitorsWindow(frame)}`}
      meaning={meaning}
      freshness={freshness}
      frame={frame}
      lines={lines}
    />
  );
}

/** Visitors are counted in whole minutes. */
function visitorsWindow({ fromMs, toMs, zone }: ChartFrame): string {
  if (isWholeMinutes(fromMs, toMs)) return "over the range";
  const [first, end] = [
    Math.floor(fromMs / MINUTE_MS) * MINUTE_MS,
    Math.ceil(toMs / MINUTE_MS) * MINUTE_MS,
  ];
  return `whole minutes, ${formatTime(first, zone, false)} – ${formatTime(end, zone, false)}`;
}

const MINUTE_MS = 60_000;

type TotalsTileProps = TileContext & { search: string };

function TotalsTile({ board, freshness, meaning, frame, search }: TotalsTileProps) {
  const { quarantined, values } = board;
  const [requests = 0, errors = 0, bytes = 0] = ["requests", "errors", "bytes_sent"].map(
    (metric) => values[metric] ?? 0,
  );
  const loaded = board.live
    ? `over the range, as loaded at ${formatTime(board.atMs, frame.zone)}`
    : "over the range";
  return (
    <Tile name="totals" title="Totals" freshness={freshness} meaning={meaning} caption={loaded}>
      <dl className="totals">
        <Total name="Requests" value={formatExact(requests)} />
        <Total name="Errors" value={formatExact(errors)} />
        <Total
          name="Sent"
          value={formatQuantity(bytes, "bytes")}
          title={`${formatExact(bytes)} bytes`}
        />
        <Total
          name="Quarantined lines"
          value={
            quarantined > 0 ? (
              <Link href={quarantineHref(search)} prefetch={false}>
                {formatExact(quarantined)}
              </Link>
            ) : (
              "0"
            )
          }
        />
      </dl>
    </Tile>
  );
}

/** Link to the quarantined lines, each with its reason. */
function quarantineHref(search: string): string {
  const query = new URLSearchParams(search);
  query.set("q", term("data_stream.dataset", "quarterdeck.quarantine"));
  return `/explore?${query.toString()}`;
}

function Total({ name, value, title }: { name: string; value: ReactNode; title?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-testid={`total-${name.toLowerCase().replaceAll(" ", "-")}`} title={title}>
        {value}
      </dd>
    </div>
  );
}
