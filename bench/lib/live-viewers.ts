import { once } from "node:events";
import { Worker } from "node:worker_threads";

import { z } from "zod";

/** The frames received since the last call. `delayMs`: from the creation of a frame to its parsing here. */
const Tally = z.object({
  frames: z.number(),
  delayMs: z.object({ p50: z.number(), p99: z.number() }).nullable(),
});
export type Tally = z.infer<typeof Tally>;

/** The viewers have the cookies in turn, because one member has a limited number of sockets. */
export type ViewersTask = { count: number; url: string; cookies: string[]; dataset: string };
export type Viewers = AsyncDisposable & { take(): Promise<Tally> };

/** Sockets that watch a dataset and read all frames, in a separate thread. */
export async function openViewers(task: ViewersTask): Promise<Viewers> {
  const thread = new Worker(new URL("live-viewers-thread.ts", import.meta.url), {
    workerData: task,
  });
  // "watching": all of them are connected.
  await once(thread, "message");
  return {
    take: async () => {
      const response = once(thread, "message");
      thread.postMessage("take");
      return Tally.parse((await response)[0]);
    },
    [Symbol.asyncDispose]: async () => {
      await thread.terminate();
    },
  };
}
