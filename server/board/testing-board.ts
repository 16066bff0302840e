import { Predictions } from "#forecaster/predictions.ts";
import { openForecastStore } from "#forecaster/store/open-forecast-store.ts";
import { LiveWindow } from "#pipeline/live/live-window.ts";
import type { EventStore } from "#pipeline/store/port.ts";
import type { Clock } from "#platform/clock.ts";
import { silentLog } from "#platform/log.ts";

import { type BoardRequest, loadBoard } from "./board.ts";

/** What boards need besides a store, without predictions. */
export function boardParts(store: EventStore, clock: Clock) {
  const forecasts = openForecastStore("memory:");
  const learning = { status: "learning", reason: "not in this test" } as const;
  const runner = { forecast: async () => learning };
  const log = silentLog();
  const predictions = new Predictions({ events: store, forecasts, runner, clock, log });
  const close = async (): Promise<void> => forecasts[Symbol.asyncDispose]();
  return { predictions, live: new LiveWindow(clock), [Symbol.asyncDispose]: close };
}

/** The board of a store at a time, without predictions. */
export async function boardOf(store: EventStore, nowMs: number, request: Partial<BoardRequest>) {
  const clock = { nowMs: () => nowMs };
  await using parts = boardParts(store, clock);
  const deps = { ...parts, store, clock, demo: false, holes: [] };
  const none = { range: undefined, dataset: undefined, by: undefined, compare: undefined };
  return await loadBoard(deps, { ...none, where: [], ...request });
}
