import { Predictions } from "#forecaster/predictions.ts";
import { openForecastStore } from "#forecaster/store/open-forecast-store.ts";
import { LiveWindow } from "#pipeline/live/live-window.ts";
import type { EventStore } from "#pipeline/store/port.ts";
import { silentLog } from "#platform/log.ts";

import { type BoardRequest, loadBoard } from "./board.ts";

/** The board of a store at a time, without predictions. */
export async function boardOf(store: EventStore, nowMs: number, request: Partial<BoardRequest>) {
  await using forecasts = openForecastStore("memory:");
  const clock = { nowMs: () => nowMs };
  const learning = { status: "learning", reason: "not in this test" } as const;
  const runner = { forecast: async () => learning };
  const log = silentLog();
  const predictions = new Predictions({ events: store, forecasts, runner, clock, log });
  const live = new LiveWindow(clock);
  const deps = { store, predictions, live, clock, demo: false, holes: [] };
  const none = { range: undefined, dataset: undefined, by: undefined, compare: undefined };
  return await loadBoard(deps, { ...none, where: [], ...request });
}
