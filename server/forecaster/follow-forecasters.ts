import type { ForecastAnswer } from "#forecaster/forecast.ts";
import type { ForecastRunner } from "#forecaster/predictions.ts";
import { followChannels } from "#platform/channel/sockets.ts";

import type { Forecaster } from "./forecast-thread.ts";
import { type ClientEnd, forecastAddress, forecastsFrom } from "./messages.ts";

const NOT_CONNECTED: ForecastAnswer = {
  status: "learning",
  reason: "no forecaster is connected; start one with: quarterdeck role forecast",
};

/** Sends requests in turn to the forecasters that other processes run on the data folder. */
export function followForecasters(dataFolder: string): Forecaster {
  const connected = new Set<ForecastRunner>();
  const following = followChannels(forecastAddress(dataFolder), (channel: ClientEnd) => {
    const forecasts = forecastsFrom(channel);
    connected.add(forecasts);
    void channel.closed.then(() => connected.delete(forecasts));
  });
  return {
    async forecast(request) {
      const [next] = connected;
      if (!next) return NOT_CONNECTED;
      // Least recently used first.
      connected.delete(next);
      connected.add(next);
      return next.forecast(request);
    },
    problem: () =>
      connected.size > 0 ? null : { kind: "no_forecaster", message: "No forecaster is connected." },
    async stop() {
      await following[Symbol.asyncDispose]();
    },
  };
}
