import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

import { z } from "zod";

import type { Reprocessing as State } from "#dashboards/sources/reprocessing-messages.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { Log } from "#platform/log.ts";

const CLI = fileURLToPath(new URL("../../cli.ts", import.meta.url));
const PROBLEM_CHARACTERS_MAX = 1_000;

const Counts = z.record(z.string(), z.number());
const Summary = z.object({
  lines: z.number(),
  events: Counts,
  left: Counts.default({}),
});
const Progress = z.object({ done: z.number(), total: z.number() });

type ReprocessRequest = {
  format?: string | undefined;
  /** All events of these sources or paths; absent: quarantined lines. */
  sources?: readonly string[];
  /** Only quarantined lines of this path; `*` stands for any text. */
  path?: string | undefined;
  /** Only lines since then, such as `now-2h`. */
  from?: string | undefined;
};

/** Reads stored lines again in a process of its own, so that boards are not delayed. One at a time. */
export type Reprocessing = {
  /** @throws AppError conflict while one runs */
  start(request: ReprocessRequest): void;
  state(): State;
};

type Deps = { dataFolder: string; clock: Clock; log: Log; stopping: AbortSignal };

export function openReprocessing({ dataFolder, clock, log, stopping }: Deps): Reprocessing {
  const state: State = { isRunning: false, progress: null, last: null };

  function onProgress(progress: z.infer<typeof Progress>): void {
    state.progress = progress;
  }

  async function run(request: ReprocessRequest): Promise<void> {
    const args = [CLI, "reprocess", "--json", `--data=${dataFolder}`, ...argumentsOf(request)];
    try {
      const ended = await runCommand(args, { signal: stopping, onProgress });
      const { lines, events, left } = Summary.parse(JSON.parse(ended));
      const reasons = Object.entries(left).map(([reason, count]) => ({ reason, events: count }));
      const count = Object.values(events).reduce((sum, of) => sum + of, 0);
      state.last = { endedMs: clock.nowMs(), lines, events: count, left: reasons, problem: null };
    } catch (error) {
      if (stopping.aborted) return;
      log.error("stored lines could not be read again", { error });
      const problem =
        error instanceof CommandFailed
          ? error.message
          : "It ended unexpectedly: see the log of Quarterdeck.";
      state.last = { endedMs: clock.nowMs(), lines: 0, events: 0, left: [], problem };
    } finally {
      state.isRunning = false;
      state.progress = null;
    }
  }

  return {
    start(request) {
      if (state.isRunning) {
        throw new AppError(
          "conflict",
          "Stored lines are being read again already: wait until that has ended.",
        );
      }
      state.isRunning = true;
      void run(request);
    },
    state: () => ({ ...state }),
  };
}

/** With `=`, so that no value is taken for an option. */
const argumentsOf = ({ format, sources = [], path, from }: ReprocessRequest): string[] => [
  ...(format === undefined ? [] : [`--format=${format}`]),
  ...sources.map((source) => `--source=${source}`),
  ...(path === undefined ? [] : [`--path=${path}`]),
  ...(from === undefined ? [] : [`--from=${from}`]),
];

/** The message is the last line that the command printed, which names the reason. */
class CommandFailed extends Error {}

type Running = {
  signal: AbortSignal;
  onProgress: (progress: z.infer<typeof Progress>) => void;
};

/** Returns the first line that the command prints. On standard error it prints its progress, as JSON, and why it fails. */
async function runCommand(args: string[], { signal, onProgress }: Running): Promise<string> {
  const child = spawn(process.execPath, args, { signal, stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close");
  let summary: string | undefined;
  let reason = "";
  const reading = [
    eachLineOf(child.stdout, (line) => (summary ??= line)),
    eachLineOf(child.stderr, (line) => {
      const progress = progressIn(line);
      if (progress) onProgress(progress);
      else if (line.trim() !== "") reason = line.trim();
    }),
  ];
  const [code] = await ended;
  await Promise.all(reading);
  if (code !== 0 || summary === undefined) {
    if (reason === "") throw new Error(`the command has ended with ${String(code)}`);
    throw new CommandFailed(reason.slice(0, PROBLEM_CHARACTERS_MAX));
  }
  return summary;
}

async function eachLineOf(input: Readable, take: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input })) take(line);
}

function progressIn(line: string): z.infer<typeof Progress> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return Progress.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
