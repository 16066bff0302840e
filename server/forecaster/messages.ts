import type { ForecastAnswer, ForecastRequest } from "#forecaster/forecast.ts";
import type { ForecastRunner } from "#forecaster/predictions.ts";
import type { Channel, Meeting } from "#platform/channel/port.ts";
import { AppError } from "#platform/errors.ts";

/** Where forecasters and control planes of a data folder meet. The protocol changes with the messages below. */
export const forecastMeeting = (dataFolder: string): Meeting => ({
  dataFolder,
  name: "forecast",
  protocol: "quarterdeck forecasts 1",
});

type Task = { id: number; request: ForecastRequest };
type Done = { id: number } & ({ answer: ForecastAnswer } | { error: string });

/** What connects a forecaster with who asks it, seen from either. */
export type ForecasterEnd = Channel<Task, Done>;
export type AskerEnd = Channel<Done, Task>;

/** Asks for forecasts. What was not answered when the channel closes fails. */
export function forecastsFrom(channel: AskerEnd): ForecastRunner {
  const open = new Map<number, PromiseWithResolvers<ForecastAnswer>>();
  let lastId = 0;
  channel.onMessage((done) => {
    const asked = open.get(done.id);
    open.delete(done.id);
    if ("answer" in done) asked?.resolve(done.answer);
    else asked?.reject(new Error(`a forecast failed: ${done.error}`));
  });
  void channel.closed.then(failOpen);
  function failOpen(): void {
    for (const asked of open.values()) {
      asked.reject(new AppError("unavailable", "The forecaster stopped. Try again in a moment."));
    }
    open.clear();
  }

  return {
    forecast(request) {
      lastId += 1;
      const asked = Promise.withResolvers<ForecastAnswer>();
      open.set(lastId, asked);
      channel.post({ id: lastId, request });
      return asked.promise;
    },
  };
}
