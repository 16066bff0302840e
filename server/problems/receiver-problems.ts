import type { HolderState } from "#receivers/activity/holder-files.ts";

import type { ProblemKind } from "./kinds.ts";

/** What is known about the processes that receive pushed logs. */
export type ReceiversState = {
  /** Whether this control plane runs them itself. */
  isOwn: boolean;
  /** Why its own do not listen; null if they do, or are not its own. */
  error: string | null;
  /** The socket holders on the data folder. */
  holders: readonly HolderState[];
};

type ReceiverProblem = {
  kind: Extract<ProblemKind, "receiver" | "no_receiver" | "listener">;
  message: string;
  /** Distinguishes the problems of a kind. */
  name?: string;
};

/** What keeps pushed logs from being received. */
export function receiverProblems({ isOwn, error, holders }: ReceiversState): ReceiverProblem[] {
  const running = holders.filter((it) => it.isRunning);
  const killed = isOwn || running.length > 0 ? [] : holders;
  const listeners = running.flatMap((holder) => holder.listeners);
  // Of several processes, which want the same port, one listens.
  const isOpen = new Set(listeners.filter((it) => it.problem === null).map((it) => it.source));
  const closed = new Map(listeners.map((it) => [it.source, it]));
  return [
    ...(error === null ? [] : [{ kind: "receiver", message: `Pushed logs: ${error}` } as const]),
    ...running
      .filter(({ problem }) => problem !== undefined)
      .map(({ file, problem }) => {
        return { kind: "receiver", message: `Pushed logs: ${problem}`, name: file } as const;
      }),
    ...lastOf(killed).map(({ writtenMs }) => {
      const at = new Date(writtenMs).toISOString();
      const message = `The process that received pushed logs ended at ${at} without being stopped.`;
      return { kind: "no_receiver", message } as const;
    }),
    ...[...closed.values()]
      .filter(({ source }) => !isOpen.has(source))
      .map(({ source, address, problem }) => {
        const message = `The listener ${source} (${address}) is not open: ${problem}`;
        return { kind: "listener", message, name: source } as const;
      }),
  ];
}

const lastOf = (holders: readonly HolderState[]): HolderState[] =>
  holders.toSorted((a, b) => b.writtenMs - a.writtenMs).slice(0, 1);
