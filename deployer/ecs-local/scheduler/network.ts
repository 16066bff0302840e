import { EcsError } from "../protocol/ecs-error.ts";
import type { ContainerDefinition } from "../shapes.ts";
import type { Container, Task } from "../state.ts";
import type { World } from "./world.ts";

/** Addresses 127.64.0.1 to 127.64.255.254, and ports outside of the ranges that systems use for outgoing connections. */
const ADDRESSES = { prefix: "127.64", count: 65_534 };
const PORTS = { first: 20_000, count: 10_000 };
const SHARED_ADDRESS = "127.0.0.1";

type Place = { address: string; portsOf(definition: ContainerDefinition): Container["ports"] };

/**
 * An address and ports that no task has had in the last hour, as long as it is remembered, so that a proxy which has not noticed
 * the end of a task does not send its requests to another one. The first one is chosen by chance, as other fleets may run on the machine.
 */
export function placeFor(
  { network, newId }: Pick<World, "network" | "newId">,
  tasks: Iterable<Task>,
): Place {
  const all = [...tasks];
  const living = all.filter(({ lastStatus }) => lastStatus !== "STOPPED");
  if (network === "own_addresses") {
    const used = new Used([all, living].map(addressesOf), { ...ADDRESSES, newId });
    return { address: addressAt(used.take()), portsOf: samePorts };
  }
  const used = new Used([all, living].map(portsOf), { ...PORTS, newId });
  return {
    address: SHARED_ADDRESS,
    portsOf: ({ portMappings = [] }) =>
      portMappings.map(({ containerPort, protocol = "tcp" }) => ({
        containerPort,
        hostPort: PORTS.first + used.take(),
        protocol,
      })),
  };
}

/** Indexes that are in use: by any task that is remembered, and by those that live. */
class Used {
  readonly #sets: Set<number>[];
  readonly #count: number;
  readonly #first: number;

  constructor(
    used: readonly (readonly number[])[],
    { count, newId }: { count: number; newId: () => string },
  ) {
    this.#sets = used.map((indexes) => new Set(indexes));
    this.#count = count;
    this.#first = used[0]?.[0] ?? Number.parseInt(newId().slice(0, 8), 16) % count;
  }

  /** The next free index; of those of stopped tasks only if there is no other. */
  take(): number {
    for (const used of this.#sets) {
      if (used.size >= this.#count) continue;
      let index = this.#first;
      while (used.has(index)) index = (index + 1) % this.#count;
      for (const set of this.#sets) set.add(index);
      return index;
    }
    throw new EcsError("ServerException", "All addresses of the local fleet are in use.");
  }
}

const addressesOf = (tasks: readonly Task[]): number[] =>
  tasks.map(({ address }) => indexOfAddress(address));

const portsOf = (tasks: readonly Task[]): number[] =>
  tasks.flatMap(({ containers }) =>
    containers.flatMap(({ ports }) => ports.map(({ hostPort }) => hostPort - PORTS.first)),
  );

const samePorts = ({ portMappings = [] }: ContainerDefinition): Container["ports"] =>
  portMappings.map(({ containerPort, protocol = "tcp" }) => ({
    containerPort,
    hostPort: containerPort,
    protocol,
  }));

const addressAt = (index: number): string =>
  `${ADDRESSES.prefix}.${Math.floor((index + 1) / 256)}.${(index + 1) % 256}`;

function indexOfAddress(address: string): number {
  const [, , third = "0", fourth = "0"] = address.split(".");
  return Number(third) * 256 + Number(fourth) - 1;
}
