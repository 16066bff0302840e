import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { z } from "zod";

import type { Quarantine } from "#dashboards/sources/quarantine-messages.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { Log } from "#platform/log.ts";

const CLI = fileURLToPath(new URL("../../cli.ts", import.meta.url));
const OUTPUT_BYTES_MAX = 1024 * 1024;

const Summary = z.object({ lines: z.number(), events: z.record(z.string(), z.number()) });

type ReprocessRequest = {
  format?: string | undefined;
  /** `*` stands for any text. */
  path?: string | undefined;
  /** Only lines since then, such as `now-2h`. */
  from?: string | undefined;
};

/** Reads quarantined lines again in a process of its own, so that boards are not delayed. One at a time. */
export type Reprocessing = {
  /** @throws AppError conflict while one runs */
  start(request: ReprocessRequest): void;
  state(): Quarantine["reprocessing"];
};

type Deps = { dataFolder: string; clock: Clock; log: Log; stopping: AbortSignal };

export function openReprocessing({ dataFolder, clock, log, stopping }: Deps): Reprocessing {
  const state: Quarantine["reprocessing"] = { isRunning: false, last: null };

  async function run({ format, path, from }: ReprocessRequest): Promise<void> {
    const chosen = [
      ...(format === undefined ? [] : ["--format", format]),
      ...(path === undefined ? [] : ["--path", path]),
      ...(from === undefined ? [] : ["--from", from]),
    ];
    const args = [CLI, "reprocess", "--json", "--data", dataFolder, ...chosen];
    const options = { signal: stopping, maxBuffer: OUTPUT_BYTES_MAX };
    try {
      const { stdout } = await promisify(execFile)(process.execPath, args, options);
      const { lines, events } = Summary.parse(JSON.parse(stdout.split("\n")[0] ?? ""));
      const count = Object.values(events).reduce((sum, of) => sum + of, 0);
      state.last = { endedMs: clock.nowMs(), lines, events: count, problem: null };
    } catch (error) {
      if (stopping.aborted) return;
      log.error("quarantined lines could not be read again", { error });
      state.last = { endedMs: clock.nowMs(), lines: 0, events: 0, problem: problemOf(error) };
    } finally {
      state.isRunning = false;
    }
  }

  return {
    start(request) {
      if (state.isRunning) {
        throw new AppError(
          "conflict",
          "Quarantined lines are being read again already: wait until it has ended.",
        );
      }
      state.isRunning = true;
      void run(request);
    },
    state: () => ({ ...state }),
  };
}

/** The last line that the command printed, which names the reason. */
function problemOf(error: unknown): string {
  const printed = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
  const reason = printed.split("\n").at(-1) ?? "";
  return reason === ""
    ? "It ended unexpectedly: see the log of Quarterdeck."
    : reason.slice(0, 1_000);
}
