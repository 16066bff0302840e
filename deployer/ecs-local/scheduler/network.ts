import type { ContainerDefinition } from "../shapes.ts";
import type { Container, Task } from "../state.ts";
import type { Network } from "./world.ts";

/** Addresses 127.64.0.1 to 127.64.255.254, and ports outside of the ranges that systems use for outgoing connections. */
const ADDRESSES = { prefix: "127.64", count: 65_534 };
const PORTS = { first: 20_000, count: 10_000 };
const SHARED_ADDRESS = "127.0.0.1";

type Place = { address: string; portsOf(definition: ContainerDefinition): Container["ports"] };

/**
 * An address and ports that no living task has. They are taken in turn, so that a proxy which has not noticed the end of a
 * task does not send its requests to another one.
 */
export function placeFor(network: Network, tasks: Iterable<Task>): Place {
  const all = [...tasks];
  const living = all.filter(({ lastStatus }) => lastStatus !== "STOPPED");
  const latest = all.reduce<Task | undefined>(
    (last, it) => (last === undefined || it.createdAtMs >= last.createdAtMs ? it : last),
    undefined,
  );
  if (network === "own_addresses") {
    const used = new Set(living.map(({ address }) => indexOfAddress(address)));
    const index = nextFree(used, latest ? indexOfAddress(latest.address) : -1, ADDRESSES.count);
    return { address: addressAt(index), portsOf: samePorts };
  }
  const used = new Set(living.flatMap(portsOf).map((port) => port - PORTS.first));
  let last = Math.max(-1, ...(latest ? portsOf(latest) : []).map((port) => port - PORTS.first));
  return {
    address: SHARED_ADDRESS,
    portsOf: ({ portMappings = [] }) =>
      portMappings.map(({ containerPort, protocol = "tcp" }) => {
        last = nextFree(used, last, PORTS.count);
        used.add(last);
        return { containerPort, hostPort: PORTS.first + last, protocol };
      }),
  };
}

const portsOf = ({ containers }: Task): number[] =>
  containers.flatMap(({ ports }) => ports.map(({ hostPort }) => hostPort));

const samePorts = ({ portMappings = [] }: ContainerDefinition): Container["ports"] =>
  portMappings.map(({ containerPort, protocol = "tcp" }) => ({
    containerPort,
    hostPort: containerPort,
    protocol,
  }));

/** The first index after `last` that is not used, in a circle. With all in use, the next one. */
function nextFree(used: ReadonlySet<number>, last: number, count: number): number {
  const next = (index: number): number => (index + 1) % count;
  let index = next(last);
  for (let tried = 0; tried < count && used.has(index); tried += 1) index = next(index);
  return index;
}

const addressAt = (index: number): string =>
  `${ADDRESSES.prefix}.${Math.floor((index + 1) / 256)}.${(index + 1) % 256}`;

function indexOfAddress(address: string): number {
  const [, , third = "0", fourth = "0"] = address.split(".");
  return Number(third) * 256 + Number(fourth) - 1;
}
