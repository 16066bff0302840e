import type { Board, LiveFrame } from "../api.ts";
import type { ChartFrame } from "./chart-tile.tsx";
import type { Freshness } from "./tile.tsx";

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
