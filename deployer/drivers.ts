/**
 * What a deploy moves: the interfaces behind which the fleet, the edge, one-off work and measurements are. The state
 * machine decides from what these read, and changes things only through them.
 *
 * Every write is idempotent and may be sent again, because its reply may be lost. A rejected write has an unknown
 * outcome: it may still take effect later. Readers may lag behind (`Limits.fleetLagMs`).
 */

/** A workload has two colours; one serves (live), and the other receives the next release. */
export const COLOURS = ["blue", "green"] as const;
export type Colour = (typeof COLOURS)[number];
export const otherColour = (colour: Colour): Colour => (colour === "blue" ? "green" : "blue");

/** One running instance of a workload. */
export type Task = {
  id: string;
  /** `host:port` */
  address: string;
  release: string;
  /** `stopping`: the scheduler stops it, for whatever reason. Stopped tasks are not listed. */
  status: "starting" | "running" | "stopping";
  /** Whether its own health check passes. */
  healthy: boolean;
};

/** The ECS service of one colour. */
export type FleetColour = {
  /** The release that its tasks shall run, and the deploy that asked for it; undefined if it never had one. */
  release: string | undefined;
  deploy: string | undefined;
  desired: number;
  rollout: "in-progress" | "completed" | "failed";
  /** Tasks of the current rollout that did not become healthy. */
  failedTasks: number;
  /** Why tasks failed, for people. */
  reason?: string | undefined;
  /** Why the last request for tasks failed, for people; undefined if it did not. */
  refusal?: string | undefined;
  tasks: readonly Task[];
};
export type FleetView = Readonly<Record<Colour, FleetColour>>;

export type EnsureTasks = {
  workload: string;
  colour: Colour;
  release: string;
  /** 0 stops all tasks of the colour. */
  count: number;
  /** The deploy on whose behalf. A new deploy is a new rollout, also of the same release. */
  deploy: string;
};

export type FleetDriver = {
  read(workload: string): Promise<FleetView>;
  /** Makes the service of a colour run `count` tasks of a release. Does nothing if it does already. */
  ensure(request: EnsureTasks): Promise<void>;
};

/** `maint`: no traffic and no checks. `drain`: checks and existing sessions only. `ready`: new requests too. */
type SlotState = "maint" | "drain" | "ready";

/** A place for one task in the configuration of an edge node; the same one on all nodes. */
export type Slot = {
  /** `host:port` of the task; null before the first one. */
  address: string | null;
  state: SlotState;
};

/** Requests go to `next` with a probability of `splitBp` / 10,000 (basis points), otherwise to `live`. */
export type Route = { live: Colour; next: Colour; splitBp: number };

/** Everything that an edge node knows about a workload. */
export type EdgeConfig = {
  /** Increases with every configuration of the workload. A node refuses one that is older than its own. */
  version: number;
  route: Route;
  /** The release of each colour; part of the cache key. */
  releases: Readonly<Record<Colour, string | null>>;
  slots: Readonly<Record<Colour, readonly Slot[]>>;
};

export type SlotView = Slot & {
  /** Whether it has passed its checks since it left `maint`, got this address, or the node started. */
  up: boolean;
  /** Open requests and streams, including WebSockets. */
  sessions: number;
};

/** What a node runs with, read from the node itself. */
export type NodeView = {
  /** The version of the last configuration that was applied completely; 0 if there was none. */
  version: number;
  route: Route;
  releases: Readonly<Record<Colour, string | null>>;
  slots: Readonly<Record<Colour, readonly SlotView[]>>;
};

/** `retired`: confirmed dead by two independent signals. It gets no traffic until it has a current configuration. */
export type EdgeNode = { id: string; retired: boolean };

type CloseSessions = {
  workload: string;
  colour: Colour;
  /** The time over which the closes are spread evenly. */
  overMs: number;
};

type EdgeDriver = {
  /** All nodes of the cluster. Must not leave out a node that may have traffic. */
  nodes(): Promise<readonly EdgeNode[]>;
  read(node: string, workload: string): Promise<NodeView>;
  /**
   * Writes the files that a restart reads before it changes the running process, in this order: slots that enter
   * (addresses, `drain`, `ready`), the route (`live` before `splitBp`), slots that leave. A slot that leaves `maint`
   * must earn its checks again. An address is changed only in `maint`. Older versions than the node's are refused
   * by rejecting; the same version changes nothing.
   */
  apply(node: string, workload: string, config: EdgeConfig): Promise<void>;
  /** Closes the sessions of slots that are in `drain`. Resolves when it has begun. */
  closeSessions(node: string, request: CloseSessions): Promise<void>;
};

/** Work that is done once for a deploy, identified by a token. */
export type OneOff = {
  /**
   * `expand` and `contract`: migrations of the schema. `verify`: health and release of each new task, and the smoke
   * set through the preview lane. `warm-up`: the most requested URLs through the preview lane. `announce`: the
   * result, to those outside (GitLab, chat, cache purge).
   */
  kind: "expand" | "contract" | "verify" | "warm-up" | "announce";
  workload: string;
  deploy: string;
  release: string;
  colour: Colour;
};
export type OneOffView =
  /** `refusal`: why the last request to start it failed, for people. */
  | { status: "absent"; refusal?: string | undefined }
  | { status: "running" | "succeeded" }
  | { status: "failed"; reason: string };

export type OneOffDriver = {
  read(token: string): Promise<OneOffView>;
  /** Starts the work unless it was started with this token. Resolves when it has started, not when it ends. */
  run(token: string, work: OneOff): Promise<void>;
};

/** What clients got from one colour. */
export type LaneCounts = {
  requests: number;
  errors: number;
  /** Undefined without requests. */
  latencyMsP95: number | undefined;
};
export type TrafficView = {
  lanes: Readonly<Record<Colour, LaneCounts>>;
  /** Requests per second that are expected at most (95 %) in the time ahead; undefined if there is no forecast. */
  peakRps: number | undefined;
};

type TrafficDriver = {
  /** Counts from `fromMs` (epoch ms) until now, as far as they are known. */
  read(workload: string, fromMs: number): Promise<TrafficView>;
};

export type Drivers = {
  fleet: FleetDriver;
  edge: EdgeDriver;
  oneOffs: OneOffDriver;
  traffic: TrafficDriver;
};
