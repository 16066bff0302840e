import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect } from "vitest";

import {
  type Colour,
  COLOURS,
  type Drivers,
  type EdgeConfig,
  type NodeView,
  type Slot,
} from "#deployer/drivers.ts";

import { TestTask } from "./test-task.ts";

/** What an edge has to be opened with for its contract. */
export const TEST_EDGE = {
  workload: "web",
  slotsPerColour: 3,
  checkPath: "/healthz",
  /** Other loopback addresses are those of strangers. */
  controlNetworks: ["127.0.0.1/32"],
  /** How long a task may take until it begins to answer. */
  responseMs: 5_000,
  /** How long a client may take for the head of a request. */
  headMs: 3_000,
} as const;

export type TestNode = {
  id: string;
  /** Where clients of the workload connect: `http://host:port`. The same after a restart. */
  url: string;
  /** SIGKILL. Resolves at its end. */
  kill(): Promise<void>;
  /** Starts it again after `kill`. Resolves when the process is there; the driver may need longer to reach it. */
  start(): Promise<void>;
  /** Stops it as an operator does, and starts it again. */
  restart(): Promise<void>;
  suspend(): void;
  resume(): void;
};

/** Two nodes or more, without a configuration. */
export type TestEdge = AsyncDisposable & {
  driver: Drivers["edge"];
  nodes: readonly TestNode[];
};

type Counts = Record<Colour, number>;
type Wanted = { tasks?: Partial<Counts>; route?: Partial<EdgeConfig["route"]> };

export const WEB = TEST_EDGE.workload;
const empty = (): Slot[] =>
  Array.from({ length: TEST_EDGE.slotsPerColour }, () => ({ address: null, state: "maint" }));

/** An edge with tasks behind it, which the tests of one file share. */
export class EdgeWorld {
  readonly edge: TestEdge;
  readonly tasks: Record<Colour, TestTask[]> = { blue: [], green: [] };
  /** What was applied last. */
  config: EdgeConfig = {
    version: 0,
    route: { live: "blue", next: "green", splitBp: 0 },
    releases: { blue: "r-blue", green: "r-green" },
    slots: { blue: empty(), green: empty() },
  };
  readonly #folder = mkdtempSync(path.join(tmpdir(), "quarterdeck edge "));
  readonly #ledger = path.join(this.#folder, "ledger");
  #started = 0;

  constructor(edge: TestEdge) {
    this.edge = edge;
    writeFileSync(this.#ledger, "");
  }

  async close(): Promise<void> {
    await this.edge[Symbol.asyncDispose]();
    await Promise.all(COLOURS.flatMap((colour) => this.tasks[colour].map((task) => task.kill())));
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  get urls(): string[] {
    return this.edge.nodes.map(({ url }) => url);
  }

  get url(): string {
    return this.urls[0] ?? "";
  }

  /** The lines in the ledger that contain a text: which task got which request. */
  got(text: string): string[] {
    const lines = readFileSync(this.#ledger, "utf8").split("\n");
    return lines.filter((line) => line.includes(text));
  }

  task(colour: Colour, index: number): TestTask {
    const task = this.tasks[colour][index];
    if (task === undefined) throw new Error(`there is no task ${colour} ${index}`);
    return task;
  }

  async startTask(colour: Colour): Promise<TestTask> {
    this.#started += 1;
    return TestTask.start(`${colour}-${this.#started}`, `r-${colour}`, this.#ledger);
  }

  /** The next version, on all nodes. One that is refused remains unused. */
  async apply(changes: Partial<EdgeConfig>): Promise<void> {
    const next = { ...this.config, ...changes, version: this.config.version + 1 };
    this.config = { ...this.config, version: next.version };
    await Promise.all(this.edge.nodes.map(({ id }) => this.edge.driver.apply(id, WEB, next)));
    this.config = next;
  }

  route(route: Partial<EdgeConfig["route"]>): Promise<void> {
    return this.apply({ route: { ...this.config.route, ...route } });
  }

  /** Changes one slot on all nodes. */
  async slot(colour: Colour, index: number, change: Partial<Slot>): Promise<void> {
    const slots = this.config.slots[colour].map((slot, at) =>
      at === index ? { ...slot, ...change } : slot,
    );
    await this.apply({ slots: { ...this.config.slots, [colour]: slots } });
  }

  async slotViews(colour: Colour, index: number): Promise<NodeView["slots"][Colour]> {
    const views = await this.views();
    return views.flatMap(({ slots }) => slots[colour][index] ?? []);
  }

  async sessions(colour: Colour, index: number): Promise<number> {
    const views = await this.slotViews(colour, index);
    return views.reduce((sum, { sessions }) => sum + sessions, 0);
  }

  views(): Promise<NodeView[]> {
    return Promise.all(this.edge.nodes.map(({ id }) => this.edge.driver.read(id, WEB)));
  }

  async untilUp(colour: Colour, index: number, up = true): Promise<void> {
    await expect
      .poll(async () => (await this.slotViews(colour, index)).every((slot) => slot.up === up))
      .toBe(true);
  }

  /** Waits until all nodes can be reached. */
  async untilReachable(): Promise<void> {
    await expect
      .poll(() =>
        this.views().then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
  }

  /** Two good tasks of each colour, or as many as are wanted, serve on all nodes. */
  async serve({ tasks = {}, route = {} }: Wanted = {}): Promise<void> {
    await this.untilReachable();
    const counts: Counts = { blue: 2, green: 2, ...tasks };
    const wanted = {
      blue: await this.#slotsOf("blue", counts),
      green: await this.#slotsOf("green", counts),
    };
    const isMoved = (colour: Colour): boolean =>
      wanted[colour].some(({ address }, at) => address !== this.config.slots[colour][at]?.address);
    for (const colour of COLOURS.filter(isMoved)) {
      const slots = this.config.slots[colour].map((slot) => ({ ...slot, state: "maint" as const }));
      await this.apply({ slots: { ...this.config.slots, [colour]: slots } });
    }
    await this.apply({
      slots: {
        blue: this.#entering("blue", wanted.blue),
        green: this.#entering("green", wanted.green),
      },
    });
    for (const colour of COLOURS) {
      for (let index = 0; index < counts[colour]; index += 1) await this.untilUp(colour, index);
    }
    await this.apply({
      slots: wanted,
      route: { live: "blue", next: "green", splitBp: 0, ...route },
      releases: { blue: "r-blue", green: "r-green" },
    });
  }

  async #slotsOf(colour: Colour, counts: Counts): Promise<Slot[]> {
    for (let index = 0; index < counts[colour]; index += 1) {
      const task = this.tasks[colour][index];
      if (task?.isAlive !== true) this.tasks[colour][index] = await this.startTask(colour);
      await this.task(colour, index).set("good");
      await this.task(colour, index).release();
    }
    return this.config.slots[colour].map((slot, index) =>
      index < counts[colour]
        ? { address: this.task(colour, index).address, state: "ready" }
        : { address: slot.address, state: "maint" },
    );
  }

  /** Slots that will be ready are checked first. */
  #entering(colour: Colour, slots: readonly Slot[]): Slot[] {
    return slots.map((slot, at) => {
      const isThere = this.config.slots[colour][at]?.state === "ready";
      return slot.state === "ready" && !isThere ? { ...slot, state: "drain" } : slot;
    });
  }
}
