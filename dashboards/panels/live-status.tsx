"use client";

import type { Board } from "../api.ts";
import type { RangeState } from "../client/use-range.ts";
import { formatAge, formatExact } from "../format.ts";
import type { LiveState } from "../live/use-live-board.ts";
import { formatRange, zoneName } from "../zone.ts";

type LiveStatusProps = {
  board: Board;
  live: LiveState;
  range: RangeState;
  nowMs: number | undefined;
};

/** The status line above the board: dataset, live status, time range. */
export function LiveStatus({ board, live, range, nowMs }: LiveStatusProps) {
  const { fromMs, toMs, dataset, datasets } = board;
  const shown = datasets.filter((one) => one.rows > 0);
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
      <label className="dataset">
        <span className="visually-hidden">Dataset</span>
        <select value={dataset ?? ""} onChange={(event) => range.setDataset(event.target.value)}>
          {shown.map((one) => (
            <option key={one.dataset} value={one.dataset}>
              {one.dataset} · {formatExact(one.rows)} {one.rows === 1 ? "event" : "events"}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

const STATUS_WORDS: Record<LiveState["status"], string> = {
  live: "Live",
  connecting: "Connecting…",
  lost: "Connection lost, retrying",
  "no-indexer": "No indexer is connected",
  off: "History",
};
