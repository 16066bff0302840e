import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";

/** `error`: a person has to act, or data is missing. `warning`: it works, but not as it should. */
export type ProblemLevel = "error" | "warning";

/** Something that is wrong in a running program. */
export type Problem = {
  /** Unchanged while the problem lasts, even if its message changes. */
  id: string;
  /** The class of the problem; metrics are labelled with it. */
  kind: string;
  level: ProblemLevel;
  /** The cause. It may name paths and lines, so it is for operators. */
  message: string;
  /** What it means for users, without details. */
  summary: string;
  /** What to do. */
  action: string;
};

export type OpenProblem = Problem & { sinceMs: number };

export type ProblemListDeps = {
  clock: Clock;
  log: Log;
  /** Called when a problem has begun, has changed or is over. */
  onChange?(): void;
};

/** The present problems of a program. Each is logged once when it begins and once when it is over. */
export class ProblemList {
  readonly #deps: ProblemListDeps;
  #open: ReadonlyMap<string, OpenProblem> = new Map();

  constructor(deps: ProblemListDeps) {
    this.#deps = deps;
  }

  /** Errors first, then the oldest first. */
  current(): readonly OpenProblem[] {
    return [...this.#open.values()].toSorted(
      (a, b) => Number(b.level === "error") - Number(a.level === "error") || a.sinceMs - b.sinceMs,
    );
  }

  /** Replaces the list by the problems that are present now. */
  update(present: readonly Problem[]): void {
    const nowMs = this.#deps.clock.nowMs();
    const before = this.#open;
    const open = new Map(
      present.map((problem): [string, OpenProblem] => [
        problem.id,
        { ...problem, sinceMs: before.get(problem.id)?.sinceMs ?? nowMs },
      ]),
    );
    this.#open = open;
    for (const [id, problem] of open) if (!before.has(id)) this.#logBegin(problem);
    for (const [id, problem] of before) if (!open.has(id)) this.#logEnd(problem, nowMs);
    if (!isSame(before, open)) this.#deps.onChange?.();
  }

  #logBegin(problem: OpenProblem): void {
    const { level, message, action } = problem;
    const write = level === "error" ? this.#deps.log.error : this.#deps.log.warn;
    write(message, {
      ...fieldsOf(problem),
      "event.action": "problem-started",
      "event.reason": action,
    });
  }

  #logEnd(problem: OpenProblem, nowMs: number): void {
    // The clock may have been set back.
    const lastedMs = Math.max(0, nowMs - problem.sinceMs);
    this.#deps.log.info(`over after ${Math.round(lastedMs / 1000)} s: ${problem.message}`, {
      ...fieldsOf(problem),
      "event.action": "problem-ended",
      "event.end": new Date(nowMs).toISOString(),
      "event.duration": lastedMs * 1_000_000,
    });
  }
}

const fieldsOf = ({ id, kind, sinceMs }: OpenProblem): Record<string, string> => ({
  "event.kind": "alert",
  "event.code": kind,
  "event.id": id,
  "event.start": new Date(sinceMs).toISOString(),
});

function isSame(
  one: ReadonlyMap<string, OpenProblem>,
  other: ReadonlyMap<string, OpenProblem>,
): boolean {
  return (
    one.size === other.size &&
    [...one].every(([id, { level, message, action }]) => {
      const now = other.get(id);
      return now?.level === level && now.message === message && now.action === action;
    })
  );
}
