"use client";

import { useMemo } from "react";

import { Board, MetricCatalogue, type Problem, type ProblemsMessage } from "../api.ts";
import { useBoardView } from "../client/use-board-view.ts";
import { useNow } from "../client/use-now.ts";
import { type RangeState, searchOf, useRange } from "../client/use-range.ts";
import { type Resource, useResource } from "../client/use-resource.ts";
import { type LiveState, useLiveBoard } from "../live/use-live-board.ts";
import { Shell } from "../shell/shell.tsx";
import type { Theme } from "../shell/theme.ts";
import { BoardControls } from "./board-controls.tsx";
import { BoardTiles } from "./board-tiles.tsx";
import { BreakDownTile } from "./break-down-tile.tsx";
import { ComparisonNote } from "./comparison-lines.tsx";
import { DeploysNote } from "./deploys-note.tsx";
import { HolesNote } from "./holes-note.tsx";
import { LiveStatus } from "./live-status.tsx";
import { Failed, Skeleton } from "./message.tsx";
import { NoData } from "./no-data.tsx";
import { SourcesPanel } from "./sources-panel.tsx";
import { isFuture, NO_DATA_YET } from "./tile-context.ts";
import type { Freshness } from "./tile.tsx";
import { useBoardDeploys } from "./use-board-deploys.ts";

const TILES = [
  "requests",
  "turnover",
  "response",
  "errors",
  "users",
  "instances",
  "routes",
  "totals",
];
/** Live data older than this is shown as stale. */
const STALE_MS = 60_000;

/** The home board. */
export function BoardPage({ theme, problems }: { theme: Theme; problems: ProblemsMessage }) {
  const range = useRange();
  const view = useBoardView(range.zone);
  const { by, compare } = view;
  const search = [range.search, searchOf({ by, compare })].filter(Boolean).join("&");
  const loaded = useResource(Board, `/api/board?${search}`);
  const { data, problem, reload } = loaded;
  const live = useLiveBoard(data, reload);
  const shown = live.board ?? data;
  const badQuery = isBadQuery(problem) ? problem : undefined;
  return (
    <Shell
      page="board"
      theme={theme}
      problems={problems}
      range={range}
      shown={shown}
      demo={data?.demo ?? false}
      reload={reload}
    >
      <h1 className="visually-hidden">Board</h1>
      <BoardControls range={range} view={view} problem={badQuery} hints={data?.hints} />
      {problem && !badQuery ? <Failed problem={problem} retry={reload} /> : null}
      {data ? <Loaded loaded={loaded} live={live} data={data} range={range} /> : null}
      {!data && !problem ? <Skeleton tiles={TILES} /> : null}
    </Shell>
  );
}

const isBadQuery = (problem: Problem | undefined): boolean =>
  problem?.errors?.some(({ path }) => path === "query.q") ?? false;

type LoadedProps = { loaded: Resource<Board>; live: LiveState; data: Board; range: RangeState };

function Loaded({ loaded, live, data, range }: LoadedProps) {
  const catalogue = useResource(MetricCatalogue, "/api/metrics/catalogue");
  const meanings = useMemo(
    () => new Map(catalogue.data?.map(({ name, meaning }) => [name, meaning])),
    [catalogue.data],
  );
  const freshness = useFreshness(data, live);
  const deploys = useBoardDeploys(data);
  if (data.datasets.length === 0) return <NoData board={data} reload={loaded.reload} />;
  const board = live.board ?? data;
  return (
    <>
      <LiveStatus board={board} live={live} range={range} nowMs={freshness.nowMs} />
      <HolesNote holes={board.holes} zone={range.zone} />
      <DeploysNote {...deploys} zone={range.zone} />
      <AheadNote board={board} range={range} />
      <ComparisonNote comparison={board.comparison} zone={range.zone} />
      {board.breakDown ? (
        <BreakDownTile
          breakDown={board.breakDown}
          board={board}
          freshness={freshness}
          range={range}
          marks={deploys.marks}
        />
      ) : null}
      <BoardTiles
        board={board}
        live={live.frame}
        freshness={freshness}
        range={range}
        deploys={deploys}
        meanings={meanings}
        loading={loaded.loading}
      />
      <SourcesPanel />
    </>
  );
}

function AheadNote({ board, range }: { board: Board; range: RangeState }) {
  if (!isAhead(board)) return null;
  const { status } = board.predictedRequestsPerSecond;
  return (
    <p className="ahead-note quiet" role="note" data-testid="ahead">
      {isFuture(board) ? NO_DATA_YET : "Nothing has been measured in this range yet."}{" "}
      {status === "ready"
        ? "Requests are predicted; the other numbers follow when their time comes."
        : "The numbers follow when their time comes."}{" "}
      <button
        type="button"
        className="link"
        onClick={() => range.setRange({ from: "now-1h", to: "now" })}
      >
        Show the last hour
      </button>
    </p>
  );
}

const isAhead = ({ live, fromMs, toMs, atMs, newestEventMs }: Board): boolean =>
  !live && toMs > atMs && (newestEventMs ?? 0) < fromMs;

function useFreshness(data: Board, live: LiveState): Freshness {
  const nowMs = useNow(live.frame?.atMs ?? data.atMs);
  const newestEventMs = live.frame?.newestEventMs ?? data.newestEventMs;
  const old = newestEventMs !== null && nowMs !== undefined && nowMs - newestEventMs > STALE_MS;
  const isCut = live.status === "lost" || live.status === "no-indexer";
  const stale = isCut || (data.live && old);
  return { newestEventMs, nowMs, stale };
}
