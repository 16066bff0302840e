import type { HealthStatus } from "../shapes.ts";
import type { Task } from "../state.ts";

/** The process of a container, as far as it can be seen now. */
export type ProcessState =
  /** Nothing was started, and nothing will be unless it is asked for. */
  | { kind: "none" }
  | { kind: "starting" }
  | { kind: "running" }
  /** It was not started and will not be. */
  | { kind: "failed"; reason: string }
  /** The exit code is unknown if the machine or the watcher of the process ended too. */
  | { kind: "exited"; exitCode: number | undefined };

/** `problem`: why the last check failed, for people. */
export type Health = { status: HealthStatus; problem: string | undefined };

/**
 * Where tasks listen. Linux has all of 127.0.0.0/8, so each task gets an address of its own in it, as in a VPC. Elsewhere
 * all share 127.0.0.1, and each port of a container gets another port of the machine.
 */
export type Network = "own_addresses" | "shared_address";

/** What the scheduler sees. */
export type World = {
  nowMs: number;
  /** The duration of a second of task definitions; tests shorten it. */
  secondMs: number;
  /** CPU units and MiB of memory that tasks may reserve together. */
  capacity: { cpu: number; memory: number };
  network: Network;
  /** A new random id of 32 hexadecimal digits. */
  newId(): string;
  processOf(task: Task, container: string): ProcessState;
  /** Undefined until a health check has had a result since the endpoint was started. */
  healthOf(task: Task, container: string): Health | undefined;
  /** The longest time in seconds between SIGTERM and SIGKILL, whatever task definitions say. */
  stopTimeoutMaxS: number | undefined;
};

/** What has to be done in the world. Each is repeated until the world shows its effect, so doing it twice is harmless. */
export type Action =
  | { type: "start"; task: Task; container: string }
  /** Makes sure that the process is never started. */
  | { type: "prevent"; task: Task; container: string }
  | { type: "signal"; task: Task; container: string; signal: "SIGTERM" | "SIGKILL" };
