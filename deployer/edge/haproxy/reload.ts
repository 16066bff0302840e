import { setTimeout as delay } from "node:timers/promises";

import { AppError } from "#platform/errors.ts";

import type { LocalProcess } from "../processes/local-process.ts";
import type { RunningNode } from "./running-node.ts";

const START_MS_MAX = 30_000;
const POLL_MS = 20;

/** Starts new workers with the files; those before go on if that fails. @throws AppError unavailable, with what HAProxy wrote */
export async function reload(process: LocalProcess, running: RunningNode): Promise<void> {
  const before = await running.processes();
  process.signal("SIGUSR2");
  const after = await untilAnswers(process, async () => {
    const now = await running.processes();
    const isOver =
      now.failedReloads > before.failedReloads || now.current.pid !== before.current.pid;
    if (!isOver) throw new AppError("unavailable", "the workers were not replaced");
    return now;
  });
  if (after.failedReloads > before.failedReloads) throw process.failed("its reload failed");
}

/** Until the node answers as it should. @throws AppError unavailable, with what HAProxy wrote */
export async function untilAnswers<Value>(
  process: LocalProcess,
  read: () => Promise<Value>,
): Promise<Value> {
  const endMs = performance.now() + START_MS_MAX;
  for (;;) {
    try {
      return await read();
    } catch (error) {
      const isOver = performance.now() > endMs || process.pid === undefined;
      if (isOver) throw process.failed(error instanceof Error ? error.message : "");
    }
    await delay(POLL_MS);
  }
}
