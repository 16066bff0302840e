import { once } from "node:events";

import { type ControlPlaneOptions, startControlPlane } from "../control-plane.ts";
import { untilSignal } from "./until-signal.ts";

/** Runs a control plane until a signal, or until another process takes over the data folder; returns the exit code. */
export async function runControlPlane(options: ControlPlaneOptions): Promise<number> {
  const ended = untilSignal();
  const controlPlane = await startControlPlane(options);
  const { lost } = controlPlane;
  await Promise.race([ended, lost.aborted || once(lost, "abort")]);
  options.terminal.line(
    lost.aborted
      ? "Ending: another control plane took over the data folder while this process was suspended."
      : "Stopping: what was read is being stored …",
  );
  await controlPlane.stop();
  return lost.aborted ? 1 : 0;
}
