import { setTimeout as delay } from "node:timers/promises";

import type { Clock } from "#platform/clock.ts";
import { withinCheckLimit } from "#platform/http/health-routes.ts";
import type { Log } from "#platform/log.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { type OpenProblem, ProblemList } from "#platform/problems.ts";

import type { Workspace } from "../workspace.ts";
import { type ApisState, findProblems, type StoreData } from "./find-problems.ts";
import type { ForecasterProblem } from "./kinds.ts";
import type { ReceiversState } from "./receiver-problems.ts";

const EVERY_MS = 1_000;

export type ProblemWatchDeps = {
  clock: Clock;
  log: Log;
  database: Queryable;
  workspace(): Pick<Workspace, "kind" | "status" | "hasIndexer"> & { store: StatusReader };
  forecasterProblem(): ForecasterProblem | null;
  apis(): ApisState;
  receivers(): ReceiversState;
  deploysProblem(): string | null;
};

type StatusReader = { status(): Promise<StoreData> };

export type ProblemWatch = AsyncDisposable & {
  current(): readonly OpenProblem[];
  /** Examines now, because something has failed that may recover before the next examination. */
  examineNow(): void;
  /** Called when a problem has begun, has changed or is over. */
  onChange: (() => void) | undefined;
  /** Called when the ranges of stored events that cannot be read have changed. */
  onHolesChange: (() => void) | undefined;
};

/** Examines all parts of the control plane every few seconds. */
export function watchProblems(deps: ProblemWatchDeps): ProblemWatch {
  const { clock, log } = deps;
  const list = new ProblemList({ clock, log, onChange: () => watch.onChange?.() });
  const stopping = new AbortController();
  let waiting = new AbortController();
  let holes: string | undefined;
  let known: { store: StatusReader; data: StoreData } | undefined;

  async function examine(): Promise<void> {
    const { kind, store, status, hasIndexer } = deps.workspace();
    const [databaseError, storeError] = await Promise.all([
      errorOf(() => deps.database.query("SELECT 1")),
      errorOf(async () => {
        known = { store, data: await store.status() };
      }),
    ]);
    // The store of a workspace that was replaced meanwhile may be closed.
    if (stopping.signal.aborted || deps.workspace().store !== store) return;
    // Problems of a store that does not respond are not over.
    const stored = known?.store === store ? known.data : NOTHING_KNOWN;
    list.update(
      findProblems({
        databaseError,
        storeError,
        store: stored,
        indexing: status(),
        hasIndexer: hasIndexer(),
        isDemo: kind === "demo",
        forecasterProblem: deps.forecasterProblem(),
        apis: deps.apis(),
        receivers: deps.receivers(),
        deploysProblem: deps.deploysProblem(),
      }),
    );
    const before = holes;
    holes = JSON.stringify(stored.holes);
    if (before !== undefined && holes !== before) watch.onHolesChange?.();
  }

  async function run(): Promise<void> {
    for (;;) {
      // Also before the first time, because roles of other processes connect in the meantime.
      const signal = AbortSignal.any([stopping.signal, waiting.signal]);
      await delay(EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      waiting = new AbortController();
      await examine().catch((error: unknown) =>
        log.error("problems cannot be examined", { error }),
      );
    }
  }

  const watch: ProblemWatch = {
    current: () => list.current(),
    examineNow: () => waiting.abort(),
    onChange: undefined,
    onHolesChange: undefined,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
    },
  };
  const running = run();
  return watch;
}

const NOTHING_KNOWN: StoreData = { problems: [], holes: [] };

/** The message of the error; null if the work succeeds in time. */
async function errorOf(work: () => Promise<unknown>): Promise<string | null> {
  try {
    await withinCheckLimit(work());
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
