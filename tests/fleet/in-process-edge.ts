import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import {
  type Colour,
  COLOURS,
  type Drivers,
  type EdgeConfig,
  type LaneCounts,
  type NodeView,
  otherColour,
  type Slot,
  type SlotView,
} from "#deployer/drivers.ts";

const CHECK_INTERVAL_MS = 50;
const CHECK_MS_MAX = 2_000;
/** Checks in a row that change what is known about a task. */
const CHECKS = 2;
const ATTEMPTS_MAX = 4;

type Counted = { atMs: number; colour: Colour; isError: boolean; ms: number };

/** Two edge nodes in this process that forward GET requests, and count what clients get. */
export class InProcessEdge {
  readonly #nodes: ReadonlyMap<string, EdgeNodeServer>;
  readonly #counted: Counted[] = [];
  readonly driver: Drivers["edge"];
  readonly traffic: Drivers["traffic"];

  constructor(slotsPerColour: number) {
    const count = (it: Counted): void => void this.#counted.push(it);
    this.#nodes = new Map(
      ["lb1", "lb2"].map((id) => [id, new EdgeNodeServer(slotsPerColour, count)]),
    );
    this.driver = {
      nodes: () => Promise.resolve([...this.#nodes.keys()].map((id) => ({ id, retired: false }))),
      read: async (id) => this.#node(id).read(),
      apply: async (id, _workload, config) => this.#node(id).apply(config),
      // Requests of these tests end by themselves.
      closeSessions: () => Promise.resolve(),
    };
    this.traffic = { read: async (_workload, fromMs) => this.#countsFrom(fromMs) };
  }

  /** @returns the URLs of the nodes */
  async start(): Promise<string[]> {
    return Promise.all([...this.#nodes.values()].map((node) => node.start()));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => node.stop()));
  }

  #node(id: string): EdgeNodeServer {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  #countsFrom(fromMs: number): { lanes: Record<Colour, LaneCounts>; peakRps: undefined } {
    const laneOf = (colour: Colour): LaneCounts => {
      const all = this.#counted.filter((it) => it.colour === colour && it.atMs >= fromMs);
      const times = all.map(({ ms }) => ms).toSorted((a, b) => a - b);
      return {
        requests: all.length,
        errors: all.filter(({ isError }) => isError).length,
        latencyMsP95: times[Math.floor(0.95 * times.length)],
      };
    };
    return { lanes: { blue: laneOf("blue"), green: laneOf("green") }, peakRps: undefined };
  }
}

type RunningSlot = SlotView & {
  /** Results of checks in a row that contradict `up`. */
  contrary: number;
};

class EdgeNodeServer {
  readonly #server: Server;
  readonly #count: (it: Counted) => void;
  readonly #stopped = new AbortController();
  #checks = Promise.resolve();
  #config: Omit<EdgeConfig, "slots">;
  #slots: Record<Colour, RunningSlot[]>;

  constructor(slotsPerColour: number, count: (it: Counted) => void) {
    this.#count = count;
    this.#config = {
      version: 0,
      route: { live: "blue", next: "green", splitBp: 0 },
      releases: { blue: null, green: null },
    };
    const slots = (): RunningSlot[] => Array.from({ length: slotsPerColour }, () => EMPTY);
    this.#slots = { blue: slots(), green: slots() };
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.#checks = this.#checkAll();
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server has this kind of address
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#checks;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  read(): NodeView {
    return structuredClone({ ...this.#config, slots: this.#slots });
  }

  apply({ slots, ...config }: EdgeConfig): void {
    if (config.version < this.#config.version) throw new Error("an older configuration");
    if (config.version === this.#config.version) return;
    for (const colour of COLOURS) {
      this.#slots[colour] = slots[colour].map((slot, at) =>
        changed(this.#slots[colour][at] ?? EMPTY, slot),
      );
    }
    this.#config = config;
  }

  async #checkAll(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const slots = COLOURS.flatMap((colour) => this.#slots[colour]);
      await Promise.all(slots.filter(({ state }) => state !== "maint").map(check));
      await delay(CHECK_INTERVAL_MS);
    }
  }

  async #answer({ url = "/" }: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#forward(url);
    response.writeHead(answer?.status ?? 503, { "x-release": answer?.release ?? "" });
    response.end(answer?.body);
  }

  /** Another task gets the request if one breaks the connection. */
  async #forward(url: string): Promise<Answer | undefined> {
    const { live, next, splitBp } = this.#config.route;
    const wanted = 10_000 * Math.random() < splitBp ? next : live;
    const atMs = Date.now();
    const tried = new Set<RunningSlot>();
    let answer: Answer | undefined;
    for (let attempt = 0; attempt < ATTEMPTS_MAX && answer === undefined; attempt += 1) {
      const slot = this.#pick(wanted, tried) ?? this.#pick(otherColour(wanted), tried);
      if (slot === undefined) break;
      tried.add(slot);
      slot.sessions += 1;
      answer = await get(`http://${slot.address}${url}`);
      slot.sessions -= 1;
    }
    const isError = (answer?.status ?? 503) >= 500;
    this.#count({ atMs, colour: wanted, isError, ms: Date.now() - atMs });
    return answer;
  }

  #pick(colour: Colour, tried: ReadonlySet<RunningSlot>): RunningSlot | undefined {
    return this.#slots[colour]
      .filter((slot) => slot.state === "ready" && slot.up && !tried.has(slot))
      .toSorted((a, b) => a.sessions - b.sessions)[0];
  }
}

const EMPTY: RunningSlot = { address: null, state: "maint", up: false, sessions: 0, contrary: 0 };

/** The slot itself if it keeps its task, as open requests count in it. */
function changed(slot: RunningSlot, { address, state }: Slot): RunningSlot {
  if (address !== slot.address && slot.state !== "maint") {
    throw new Error("an address can be changed only in maint");
  }
  const isNew = address !== slot.address || slot.state === "maint";
  return isNew ? { ...EMPTY, address, state } : Object.assign(slot, { state });
}

async function check(slot: RunningSlot): Promise<void> {
  const isUp = (await get(`http://${slot.address}/healthz`))?.status === 200;
  slot.contrary = isUp === slot.up ? 0 : slot.contrary + 1;
  if (slot.contrary >= CHECKS) Object.assign(slot, { up: isUp, contrary: 0 });
}

type Answer = { status: number; release: string; body: string };

/** Undefined without a complete response. */
async function get(url: string): Promise<Answer | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(CHECK_MS_MAX) });
    const release = response.headers.get("x-release") ?? "";
    return { status: response.status, release, body: await response.text() };
  } catch {
    return undefined;
  }
}
