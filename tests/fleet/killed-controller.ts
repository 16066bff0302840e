import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { onTestFinished } from "vitest";

import type { Drivers } from "#deployer/drivers.ts";

const PROGRAM = fileURLToPath(new URL("controller-process.ts", import.meta.url));
const WRITES = new Set(["ensure", "apply", "closeSessions", "run"]);

/** A call of a driver by the controller, and the answer. */
export type Call = { id: number; driver: keyof Drivers; verb: string; args: unknown[] };
export type Reply = { id: number; value?: unknown; error?: string };

/**
 * Runs a controller in a process of its own, and kills it when it sends the request with this number, which gets no
 * answer. `isSent`: whether it still takes effect.
 * @returns false if it finished all deploys before
 */
export async function runUntilKilled(
  folder: string,
  drivers: Drivers,
  { request, isSent }: { request: number; isSent: boolean },
): Promise<boolean> {
  const child = fork(PROGRAM, [folder], { execArgv: [], serialization: "advanced" });
  onTestFinished(() => void child.kill("SIGKILL"));
  let requests = 0;
  const serve = async (call: Call): Promise<void> => {
    if (WRITES.has(call.verb)) requests += 1;
    if (requests === request) child.kill("SIGKILL");
    if (requests > request || (requests === request && !isSent)) return;
    const reply = await answer(drivers, call);
    if (child.connected) child.send(reply, () => undefined);
  };
  child.on("message", (call: Call) => void serve(call));
  await once(child, "exit");
  if (child.exitCode !== null && child.exitCode !== 0) throw new Error("the controller failed");
  return child.signalCode !== null;
}

async function answer(drivers: Drivers, { id, driver, verb, args }: Call): Promise<Reply> {
  try {
    const methods: object = drivers[driver];
    const method: unknown = Reflect.get(methods, verb);
    if (typeof method !== "function") throw new Error(`there is no ${driver}.${verb}`);
    return { id, value: await Reflect.apply(method, methods, args) };
  } catch (error) {
    return { id, error: String(error) };
  }
}
