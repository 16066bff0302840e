/** A forecaster in a thread of the control plane, so that computing never delays requests. */
import { type MessagePort, workerData } from "node:worker_threads";

import { messagePortChannel } from "#platform/channel/message-port-channel.ts";

import { answerForecasts } from "./answer-forecasts.ts";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- forecast-thread.ts starts it, with a port and nothing else
answerForecasts(messagePortChannel(workerData as MessagePort));
