import type { Board, LiveFrame } from "../api.ts";
import type { Points } from "./chart-rows.ts";
import type { ChartFrame } from "./chart-tile.tsx";
import type { Freshness } from "./tile.tsx";

/** The live value of a metric if the board is live, otherwise its value over the range. */
export function valueOf({ board, live }: Pick<TileContext, "board" | "live">, metric: string) {
  return (live?.metrics ?? board.values)[metric] ?? null;
}

/** Between the time that `from=now` means and that of the answer. */
const ANSWER_MS_MAX = 60_000;

/** Whether no time of the range has come, and no event ahead of the clock is in it. */
export const isFuture = ({ live, fromMs, toMs, atMs, values }: Board): boolean =>
  !live && toMs > atMs && fromMs >= atMs - ANSWER_MS_MAX && values["requests"] === null;

export const NO_DATA_YET = "No data yet: the range is in the future.";

const NO_POINTS: Points = [];

/** Returns the same array for the same board, so that memoised values stay valid. */
export function pointsOf({ series }: Board, metric: string): Points {
  return series[metric] ?? NO_POINTS;
}

/** Props of every tile of a board. */
export type TileContext = {
  board: Board;
  live: LiveFrame | undefined;
  freshness: Freshness;
  frame: ChartFrame;
  meaning: string | undefined;
  /** The period that the number covers: "last minute" or "over the range". */
  over: string;
};
