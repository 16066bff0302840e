import { once } from "node:events";

import type { Terminal } from "#platform/terminal.ts";

import type { Apis } from "../apis/start-apis.ts";
import { type ControlPlaneOptions, startControlPlane } from "../control-plane.ts";
import { untilSignal } from "./until-signal.ts";

/**
 * Runs a control plane until the first signal, or until another process takes over the folder. Returns the exit status.
 */
export async function runControlPlane(
  terminal: Terminal,
  options: Omit<ControlPlaneOptions, "notify">,
): Promise<number> {
  const state = { isStopping: false };
  const notify = (line: string): void => {
    if (!state.isStopping) terminal.line(line);
  };
  const ended = untilSignal();
  const { url, port, setupUrl, apis, lost, stop } = await startControlPlane({ ...options, notify });
  const configured = options.settings.port;
  if (port !== configured && configured !== 0) {
    notify(`Port ${configured} is in use: using ${port}.`);
  }
  notify(`Quarterdeck is at ${url}`);
  if (setupUrl) notify(`Create the first owner (one-time link, valid for 24 hours): ${setupUrl}`);
  if (apis) void printApis(apis, notify);
  await Promise.race([ended, lost.aborted || once(lost, "abort")]);
  notify(
    lost.aborted
      ? "Stopping: another control plane took over the data folder while this process was suspended."
      : "Stopping: storing the events that were read …",
  );
  state.isStopping = true;
  await stop();
  return lost.aborted ? 1 : 0;
}

async function printApis(apis: Promise<Apis>, notify: (line: string) => void): Promise<void> {
  try {
    const { urls, ready } = await apis;
    await ready;
    const list = Object.entries(urls).map(([name, url]) => `${name} ${url}`);
    notify(`The domain APIs: ${list.join(", ")}`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    notify(`The domain APIs cannot start: ${why}`);
  }
}
