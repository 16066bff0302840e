import { type Clock, systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { Log } from "#platform/log.ts";

import { hashOf } from "../template.ts";
import type { ErrorCount } from "../traffic/count-errors.ts";
import type { Mistake, TemplateEdge } from "./port.ts";
import { type Progress, rollOut, type RollOutPace } from "./roll-out.ts";
import { VersionFiles } from "./version-files.ts";
import type { Versions } from "./versions.ts";

const ROLL_OUT_PACE: RollOutPace = { observeMs: 5_000, healthyMsMax: 15_000, pollMs: 200 };
const ROLE_ENDED = "the role deploys ended before all nodes had it";

export type EdgeConfigurationOptions = {
  /** Has the versions. */
  folder: string;
  /** The template that Quarterdeck brings. */
  shipped: string;
  pace?: RollOutPace;
  clock?: Clock;
  log: Log;
};

/** A new text, or one of an earlier version. */
export type TemplateChange = ({ text: string } | { repeats: number }) & {
  author: string;
  reason: string;
  /** The version that the author has seen; another one has come since if it is not the current one. */
  base?: number | undefined;
};

/** What a change needs from its surroundings. */
export type Surroundings = {
  /** Why no node may be changed now, for people. */
  blockedBy(): string | undefined;
  /** What clients got from all nodes just before. */
  errorsBefore(): Promise<ErrorCount>;
};

export type Begun = { version: number; ended: Promise<void> };

/**
 * The template of all nodes with its versions. A version is current when all nodes have it; before that it can only come from all of
 * them or go back on all. It is intended durably before the first node gets it, so that a process that continues goes back.
 */
export class EdgeConfiguration {
  readonly #files: VersionFiles;
  readonly #options: Required<EdgeConfigurationOptions>;
  readonly #stopping = new AbortController();
  #edge: TemplateEdge | undefined;
  #isChecking = false;
  #progress = new Map<string, Progress>();
  #ended: Promise<void> = Promise.resolve();

  constructor(options: EdgeConfigurationOptions) {
    this.#options = { pace: ROLL_OUT_PACE, clock: systemClock, ...options };
    this.#files = new VersionFiles(options.folder, options.shipped);
  }

  get versions(): Versions {
    return this.#files.all;
  }

  /** Of the version that is being applied, or else of the last one, by node. Lost with the process. */
  get progress(): ReadonlyMap<string, Progress> {
    return this.#progress;
  }

  /** Why no deploy may start, for people; undefined if the configuration is at rest. */
  get underWay(): string | undefined {
    const version = this.#files.underWay;
    if (version !== undefined) {
      return `Version ${version.number} of the edge's configuration is being applied: ${version.reason}`;
    }
    return this.#isChecking ? "A new configuration of the edge is being checked" : undefined;
  }

  /** @throws AppError not_found */
  text(version = this.versions.current): string {
    return this.#files.text(version);
  }

  /** To be called when the nodes run with the text of the current version: what was under way before has gone back. */
  attach(edge: TemplateEdge): void {
    this.#edge = edge;
    if (this.#files.underWay !== undefined) this.#end(ROLE_ENDED);
  }

  /** Changes nothing. @throws AppError unavailable if the nodes have not been started */
  check(text: string): Promise<Mistake[]> {
    return this.#nodes().checkTemplate(text);
  }

  /**
   * Checks a template, and gives it to all nodes or to none. Resolves when it is on its way.
   * @throws AppError unprocessable with the mistakes, each with its line; conflict while a deploy or another version is on its way;
   *   precondition_failed if the current version is not the one that the author has seen
   */
  async change(change: TemplateChange, surroundings: Surroundings): Promise<Begun> {
    const { current } = this.versions;
    if (change.base !== undefined && change.base !== current) {
      const message = `Version ${current} has come since you read version ${change.base}: compare yours with it first.`;
      throw new AppError("precondition_failed", message);
    }
    const text = "text" in change ? change.text : this.text(change.repeats);
    // Nobody waits for what is there already.
    if (hashOf(text) === hashOf(this.text())) return { version: current, ended: Promise.resolve() };
    this.#checkFree(surroundings);
    this.#isChecking = true;
    try {
      const edge = this.#nodes();
      const mistakes = await edge.checkTemplate(text);
      if (mistakes.length > 0) throw mistakesError(mistakes);
      const before = await surroundings.errorsBefore();
      const blocked = surroundings.blockedBy();
      if (blocked !== undefined) throw new AppError("conflict", blocked);
      return this.#begin({ edge, text, change, before });
    } finally {
      this.#isChecking = false;
    }
  }

  /** A version that is on its way stays so, and goes back when the next process attaches its nodes. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  #checkFree({ blockedBy }: Surroundings): void {
    const blocked = this.underWay ?? blockedBy();
    if (blocked !== undefined) throw new AppError("conflict", blocked);
  }

  #begin(of: {
    edge: TemplateEdge;
    text: string;
    change: TemplateChange;
    before: ErrorCount;
  }): Begun {
    const { edge, text, change, before } = of;
    const former = this.text();
    const { author, reason } = change;
    const repeats = "repeats" in change ? change.repeats : null;
    const atMs = this.#options.clock.nowMs();
    const { number } = this.#files.begin(text, { author, reason, atMs, repeats });
    this.#progress = new Map();
    const signal = this.#stopping.signal;
    this.#ended = rollOut({
      edge,
      text,
      former,
      before,
      pace: this.#options.pace,
      signal,
      onProgress: (node, progress) => this.#progress.set(node, progress),
    }).then(
      (failure) => this.#end(failure ?? null),
      (error: unknown) => {
        if (!signal.aborted)
          this.#options.log.error("a configuration of the edge is lost", { error });
      },
    );
    return { version: number, ended: this.#ended };
  }

  #end(failure: string | null): void {
    const version = this.#files.underWay?.number;
    this.#files.end(this.#options.clock.nowMs(), failure);
    if (failure === null) this.#options.log.info("the edge has a new configuration", { version });
    else this.#options.log.warn("a configuration of the edge went back", { version, failure });
  }

  #nodes(): TemplateEdge {
    if (this.#edge !== undefined) return this.#edge;
    const message =
      "The nodes of the edge have not been started, as nothing was deployed yet: deploy a workload first.";
    throw new AppError("unavailable", message);
  }
}

function mistakesError(mistakes: readonly Mistake[]): AppError {
  const text = mistakes.map(({ message }) => message).join("\n");
  const fields = mistakes.map(({ line, message }) => ({
    path: line === null ? "text" : `line ${line}`,
    code: "refused",
    message,
  }));
  return new AppError("unprocessable", `Nothing was changed: the template is wrong.\n${text}`, {
    fields,
  });
}
