import { forecast } from "#forecaster/forecast-series.ts";

import type { ForecasterEnd } from "./messages.ts";

/** Computes requested forecasts one after another. */
export function answerForecasts(channel: ForecasterEnd): void {
  channel.onMessage(({ id, request }) => {
    try {
      channel.post({ id, answer: forecast(request) });
    } catch (error) {
      channel.post({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
}
