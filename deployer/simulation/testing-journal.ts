import type { Route } from "../drivers.ts";
import {
  applyChange,
  checkChange,
  emptyState,
  type JournalState,
  readsOf,
  recordsOf,
  replacedError,
} from "../journal/journal-state.ts";
import { type Change, type Intent, type Journal, NO_CHANGE } from "../journal/port.ts";
import { type Deploy, isActive } from "../machine/deploy.ts";
import { RULES } from "../machine/states.ts";
import type { Workload } from "../machine/workload.ts";
import type { Process, World } from "./world.ts";

const COMMIT_MS_MAX = 15;

/** The journal of the simulated world, which survives its controllers. */
export class SimulatedJournal {
  readonly state: JournalState = emptyState();
  readonly #world: World;
  #fence = 0;
  /** Effects that were intended and not sent yet. */
  readonly #intended = new Map<string, number>();
  onMove: (before: Deploy, after: Deploy) => void = () => undefined;

  constructor(world: World) {
    this.#world = world;
  }

  open(process: Process, lost: AbortController): Journal {
    this.#fence += 1;
    const fence = this.#fence;
    return {
      fence,
      lost: lost.signal,
      load: () =>
        this.#answer(process, () => {
          if (this.#fails()) throw new Error("the database does not respond");
          return structuredClone(recordsOf(this.state));
        }),
      commit: (change) =>
        this.#answer(process, () => {
          if (fence !== this.#fence) {
            lost.abort();
            throw replacedError();
          }
          this.#commit(change);
        }),
      ...readsOf(this.state),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  /** What is there before the first controller. */
  begin(workload: Workload): void {
    applyChange(this.state, { workloads: [workload] });
  }

  /** What is durable about a workload. */
  durable(name: string): { workload: Workload; deploy: Deploy | undefined } {
    const workload = this.state.workloads.get(name);
    if (workload === undefined) throw new Error(`the workload ${name} is missing`);
    const deploy = workload.active === null ? undefined : this.state.deploys.get(workload.active);
    return { workload, deploy };
  }

  /** I8: a request may be sent once for each intent. */
  checkSent(key: string): void {
    const count = this.#intended.get(key) ?? 0;
    if (count === 0) this.#world.violate(`I8 ${key} is sent without an intent`);
    this.#intended.set(key, count - 1);
  }

  #commit(change: Change): void {
    if (this.#fails()) throw new Error("the database does not respond");
    checkChange(this.state, change);
    this.#checkMoves(change);
    applyChange(this.state, change);
    for (const intent of change.intents ?? []) {
      const key = keyOf(intent);
      this.#intended.set(key, (this.#intended.get(key) ?? 0) + 1);
    }
    if (this.#fails()) throw new Error("the connection was lost after the commit");
  }

  #checkMoves(change: Change): void {
    const { audit, deploys, intents } = { ...NO_CHANGE, ...change };
    const byPerson = new Set(audit.map(({ target }) => target));
    for (const after of deploys) {
      const before = this.state.deploys.get(after.id);
      if (before !== undefined) this.#checkMove(before, after, byPerson.has(after.id));
    }
    for (const intent of intents) {
      const deploy = [...deploys, ...this.state.deploys.values()].find(
        ({ id }) => id === intent.deploy,
      );
      if (deploy?.state === "held") this.#checkHeld(deploy, intent);
    }
    const after = new Map([...this.state.deploys, ...deploys.map((it) => [it.id, it] as const)]);
    for (const workload of this.state.workloads.keys()) {
      const active = [...after.values()].filter((it) => it.workload === workload && isActive(it));
      if (active.length > 1) this.#world.violate(`I4 ${workload} has ${active.length} active`);
    }
  }

  #checkMove(before: Deploy, after: Deploy, isByPerson: boolean): void {
    const isMove = before.state !== after.state || before.step !== after.step;
    if (isMove) {
      const why = after.history.at(-1)?.reason ?? "";
      this.#world.note(`${after.id} ${before.state} → ${after.state} ${why}`);
      this.onMove(before, after);
    }
    if (before.state === "held" && after.state !== "held" && !isByPerson) {
      this.#world.violate(`${after.id} leaves hold for ${after.state} without a person`);
    }
    if (RULES[before.state].isTerminal) this.#world.violate(`${after.id} changes after its end`);
  }

  /** In a held deploy, no node gets another route, and no task is started or stopped. */
  #checkHeld({ id }: Deploy, { effect }: Intent): void {
    const isMoved =
      effect.kind !== "edge.apply" || !this.isKnownRoute(effect.node, effect.config.route);
    if (isMoved) this.#world.violate(`${id} asks for ${effect.kind} while it is held`);
  }

  /** Whether the node has, or had in its file, this route; set by the world. */
  isKnownRoute: (node: string, route: Route) => boolean = () => true;

  #fails(): boolean {
    const { scenario, random, hasFaults } = this.#world;
    return hasFaults && random.chance(scenario.faults.journal / 2);
  }

  #answer<Value>(process: Process, work: () => Value): Promise<Value> {
    const { time, random } = this.#world;
    return new Promise((resolve, reject) => {
      if (process.state !== "running") return;
      this.#world.onBoundary(process);
      time.later(random.between(0, COMMIT_MS_MAX), () => {
        // A process that was killed in the meantime may still have reached the disk, but a suspended one has not.
        if (process.state === "suspended") {
          process.kept.push(() => void this.#answer(process, work).then(resolve, reject));
          return;
        }
        let reply: () => void;
        try {
          const value = work();
          reply = () => resolve(value);
        } catch (error) {
          reply = () => reject(error instanceof Error ? error : new Error(String(error)));
        }
        this.#world.deliver(process, reply);
        this.#world.onBoundary(process);
      });
    });
  }
}

/** Identifies a request, as the drivers see it. */
export function keyOf({ effect, workload }: Pick<Intent, "effect" | "workload">): string {
  switch (effect.kind) {
    case "edge.apply":
      return `apply ${effect.node} ${workload} ${effect.config.version}`;
    case "edge.close":
      return `close ${effect.node} ${workload} ${effect.colour}`;
    case "fleet.ensure":
      return `ensure ${workload} ${effect.colour} ${effect.release} ${effect.count}`;
    case "one-off.run":
      return `run ${effect.token}`;
  }
}
