import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { MessageChannel } from "node:worker_threads";

import { expect, onTestFinished, test } from "vitest";

import type { ForecastRequest } from "#forecaster/forecast.ts";
import { messagePortChannel } from "#platform/channel/message-port-channel.ts";

import { answerForecasts } from "./answer-forecasts.ts";
import { followForecasters } from "./follow-forecasters.ts";
import { runForecastRole } from "./forecast-role.ts";
import { startForecastThread } from "./forecast-thread.ts";
import { forecastsFrom } from "./messages.ts";

const HOUR_MS = 3_600_000;
const REQUEST: ForecastRequest = {
  series: { startMs: 0, stepMs: HOUR_MS, values: Array.from({ length: 24 * 7 }, (_, i) => i % 24) },
  horizon: 2,
  seasonalities: [24],
  levels: [80],
};
/** A series without values. */
const IMPOSSIBLE = { ...REQUEST, series: {} } as unknown as ForecastRequest;

test("a failed request does not affect others, and pending requests fail when the forecaster stops", async () => {
  const { port1, port2 } = new MessageChannel();
  const forecasts = forecastsFrom(messagePortChannel(port1));
  const refused = expect(forecasts.forecast(IMPOSSIBLE)).rejects.toThrow("a forecast failed");
  const answer = forecasts.forecast(REQUEST);
  answerForecasts(messagePortChannel(port2));
  await refused;
  expect(await answer).toMatchObject({ status: "ready", forecast: { stepMs: HOUR_MS } });
  const unanswered = expect(forecasts.forecast(REQUEST)).rejects.toMatchObject({
    code: "unavailable",
  });
  port1.close();
  await unanswered;
});

test("a thread forecasts until it is stopped, and the next request starts a new one", async () => {
  const forecaster = startForecastThread();
  expect(await forecaster.forecast(REQUEST)).toMatchObject({ status: "ready" });
  await forecaster.stop();
  expect(await forecaster.forecast(REQUEST)).toMatchObject({ status: "ready" });
  await forecaster.stop();
});

test("a control plane without a forecaster answers with what to start, and uses any forecaster that connects", async () => {
  const dataFolder = await mkdtemp(path.join(tmpdir(), "quarterdeck forecaster "));
  const forecaster = followForecasters(dataFolder);
  const missing = { status: "learning", reason: expect.stringContaining("no forecaster") };
  expect(await forecaster.forecast(REQUEST)).toMatchObject(missing);
  const start = () => {
    const stopping = new AbortController();
    const running = runForecastRole(dataFolder, stopping.signal);
    return async () => {
      stopping.abort();
      await running;
    };
  };
  const status = async () => (await forecaster.forecast(REQUEST)).status;
  const [stopFirst, stopSecond] = [start(), start()];
  await expect.poll(status, { timeout: 10_000 }).toBe("ready");
  await stopFirst();
  await expect.poll(status, { timeout: 10_000 }).toBe("ready");
  await stopSecond();
  await expect.poll(status, { timeout: 10_000 }).toBe("learning");
  await forecaster.stop();
  onTestFinished(() => rm(dataFolder, { recursive: true, force: true }));
});
