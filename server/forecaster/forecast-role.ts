import { once } from "node:events";

import { listenForChannels } from "#platform/channel/sockets.ts";

import { answerForecasts } from "./answer-forecasts.ts";
import { type ForecasterEnd, forecastAddress } from "./messages.ts";

/**
 * Computes forecasts in this process for the control planes of the data folder until the signal aborts.
 * @throws AppError when control planes cannot connect
 */
export async function runForecastRole(dataFolder: string, signal: AbortSignal): Promise<void> {
  await using open = new AsyncDisposableStack();
  open.use(
    await listenForChannels(forecastAddress(dataFolder), (channel: ForecasterEnd) =>
      answerForecasts(channel),
    ),
  );
  if (!signal.aborted) await once(signal, "abort");
}
