import {
  type Colour,
  COLOURS,
  type Drivers,
  type EdgeConfig,
  type LaneCounts,
  type NodeView,
  type Slot,
  type SlotView,
} from "#deployer/drivers.ts";
import { AppError } from "#platform/errors.ts";

import type { Edge } from "./edge-port.ts";

const CHECK_EVERY_MS = 500;
const CHECK_MS_MAX = 2_000;
/** Failed checks in a row after which a task is down. */
const FALL = 2;
const NODE = "local";

type CheckedSlot = SlotView & { failures: number };
type Running = {
  config: EdgeConfig;
  slots: Record<Colour, CheckedSlot[]>;
  checkPath: string;
};

/** A node in memory that checks tasks as an edge does, and forwards nothing. A new one knows no configuration. */
export class CheckingEdge implements Edge {
  readonly #workloads: ReadonlyMap<string, Running>;
  readonly #timer: NodeJS.Timeout;
  #isChecking = false;

  readonly driver: Drivers["edge"] = {
    nodes: () => Promise.resolve([{ id: NODE, retired: false }]),
    read: async (_node, workload) => this.#read(workload),
    apply: async (_node, workload, config) => this.#apply(workload, config),
    closeSessions: () => Promise.resolve(),
  };
  readonly traffic: Drivers["traffic"] = {
    read: () => Promise.resolve({ lanes: { blue: NOTHING, green: NOTHING }, peakRps: undefined }),
  };

  constructor(workloads: readonly { name: string; slots: number; checkPath: string }[]) {
    this.#workloads = new Map(
      workloads.map(({ name, slots, checkPath }) => [name, newNode(slots, checkPath)]),
    );
    this.#timer = setInterval(() => void this.#checkAll(), CHECK_EVERY_MS);
  }

  async previewsOf(workload: string, colour: Colour): ReturnType<Edge["previewsOf"]> {
    return this.#running(workload)
      .slots[colour].filter(({ address, up }) => address !== null && up)
      .map(({ address }) => ({ url: `http://${address}`, headers: {} }));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
  }

  #running(workload: string): Running {
    const running = this.#workloads.get(workload);
    if (running === undefined) throw new AppError("not_found", `The edge has no ${workload}.`);
    return running;
  }

  #read(workload: string): NodeView {
    const { config, slots } = this.#running(workload);
    const { version, route, releases } = config;
    return structuredClone({ version, route, releases, slots });
  }

  #apply(workload: string, config: EdgeConfig): void {
    const running = this.#running(workload);
    if (config.version < running.config.version) {
      throw new AppError("conflict", `The node has version ${running.config.version} already.`);
    }
    if (config.version === running.config.version) return;
    for (const colour of COLOURS) {
      running.slots[colour] = config.slots[colour].map((slot, at) =>
        changed(running.slots[colour][at], slot),
      );
    }
    running.config = config;
    void this.#checkAll();
  }

  async #checkAll(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    const checks = [...this.#workloads.values()].flatMap(({ slots, checkPath }) =>
      COLOURS.flatMap((colour) => slots[colour])
        .filter(({ state }) => state !== "maint")
        .map((slot) => check(slot, checkPath)),
    );
    await Promise.all(checks);
    this.#isChecking = false;
  }
}

const NOTHING: LaneCounts = { requests: 0, errors: 0, latencyMsP95: undefined };
const EMPTY: CheckedSlot = { address: null, state: "maint", up: false, sessions: 0, failures: 0 };

function newNode(count: number, checkPath: string): Running {
  const slots = (): CheckedSlot[] => Array.from({ length: count }, () => ({ ...EMPTY }));
  const both = { blue: slots(), green: slots() };
  const route = { live: "blue", next: "green", splitBp: 0 } as const;
  const config = { version: 0, route, releases: { blue: null, green: null }, slots: both };
  return { config, slots: both, checkPath };
}

/** A task must earn its checks again when it leaves `maint` or has another address. */
function changed(slot: CheckedSlot = EMPTY, { address, state }: Slot): CheckedSlot {
  if (address !== slot.address && slot.state !== "maint") {
    throw new AppError("conflict", "An address can be changed only in maint.");
  }
  const isNew = address !== slot.address || slot.state === "maint";
  return isNew ? { ...EMPTY, address, state } : Object.assign(slot, { state });
}

async function check(slot: CheckedSlot, path: string): Promise<void> {
  const isUp = await answers(`http://${slot.address}${path}`);
  slot.failures = isUp ? 0 : slot.failures + 1;
  if (isUp) slot.up = true;
  else if (slot.failures >= FALL) slot.up = false;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(CHECK_MS_MAX) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}
