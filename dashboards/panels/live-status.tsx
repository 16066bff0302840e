"use client";

import type { Board } from "../api.ts";
import type { RangeState } from "../client/use-range.ts";
import { formatAge } from "../format.ts";
import { type LiveState, RELOAD_MS } from "../live/use-live-board.ts";
import { formatRange, zoneName } from "../zone.ts";
import { DatasetChooser } from "./dataset-chooser.tsx";

type LiveStatusProps = {
  board: Board;
  live: LiveState;
  range: RangeState;
  nowMs: number | undefined;
};

/** The status line above the board: dataset, live status, time range. */
export function LiveStatus({ board, live, range, nowMs }: LiveStatusProps) {
  const { dataset, datasets } = board;
  // The end of a live range moves every second.
  const [fromMs, toMs] = board.live
    ? [wholeMinute(board.fromMs), wholeMinute(board.toMs)]
    : [board.fromMs, board.toMs];
  return (
    <div className="status-line">
      <output className="live" data-status={live.status} data-testid="live-status">
        <span className="dot" aria-hidden="true" />
        {STATUS_WORDS[live.status]}
      </output>
      {live.status === "off" && board.newestEventMs !== null && nowMs !== undefined ? (
        <span className="quiet">newest event {formatAge(nowMs - board.newestEventMs)}</span>
      ) : null}
      <span className="quiet range-words">
        {formatRange(fromMs, toMs, range.zone)} · {zoneName(range.zone, toMs)}
      </span>
      <DatasetChooser
        dataset={dataset}
        datasets={datasets}
        datasetsTotal={board.datasetsTotal}
        choose={range.setDataset}
      />
    </div>
  );
}

const wholeMinute = (ms: number): number => Math.floor(ms / 60_000) * 60_000;

const STATUS_WORDS: Record<LiveState["status"], string> = {
  live: "Live",
  connecting: "Connecting…",
  lost: "Connection lost, retrying",
  reloaded: `Updated every ${RELOAD_MS / 1000} s`,
  "no-indexer": "No indexer is connected",
  off: "History",
};
