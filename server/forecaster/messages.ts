import type { ForecastAnswer, ForecastRequest } from "#forecaster/forecast.ts";
import type { ForecastRunner } from "#forecaster/predictions.ts";
import type { Channel, ChannelAddress } from "#platform/channel/port.ts";
import { AppError } from "#platform/errors.ts";

/** The channels between forecasters and control planes. The protocol changes with the messages below. */
export const forecastAddress = (dataFolder: string): ChannelAddress => ({
  dataFolder,
  name: "forecast",
  protocol: "quarterdeck forecasts 1",
});

type Task = { id: number; request: ForecastRequest };
type Done = { id: number } & ({ answer: ForecastAnswer } | { error: string });

/** The two ends of the channel between a forecaster and its client. */
export type ForecasterEnd = Channel<Task, Done>;
export type ClientEnd = Channel<Done, Task>;

/** Requests forecasts. Pending requests fail when the channel closes. */
export function forecastsFrom(channel: ClientEnd): ForecastRunner {
  const open = new Map<number, PromiseWithResolvers<ForecastAnswer>>();
  let lastId = 0;
  channel.onMessage((done) => {
    const pending = open.get(done.id);
    open.delete(done.id);
    if ("answer" in done) pending?.resolve(done.answer);
    else pending?.reject(new Error(`a forecast failed: ${done.error}`));
  });
  void channel.closed.then(failOpen);
  function failOpen(): void {
    for (const pending of open.values()) {
      pending.reject(new AppError("unavailable", "The forecaster stopped. Try again in a moment."));
    }
    open.clear();
  }

  return {
    forecast(request) {
      lastId += 1;
      const pending = Promise.withResolvers<ForecastAnswer>();
      open.set(lastId, pending);
      channel.post({ id: lastId, request });
      return pending.promise;
    },
  };
}
