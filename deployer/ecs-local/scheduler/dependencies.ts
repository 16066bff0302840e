import type { ContainerDefinition } from "../shapes.ts";
import type { Container, Task } from "../state.ts";

type Outcome = "met" | "waiting" | "impossible";

/** Whether the containers that a container depends on let it start. */
export function dependenciesOf(definition: ContainerDefinition, task: Task): Outcome {
  const outcomes = (definition.dependsOn ?? []).map(({ containerName, condition }): Outcome => {
    const other = task.containers.find(({ name }) => name === containerName);
    return other ? OUTCOMES[condition](other) : "impossible";
  });
  if (outcomes.includes("impossible")) return "impossible";
  return outcomes.includes("waiting") ? "waiting" : "met";
}

const wasStarted = ({ startedAtMs }: Container): boolean => startedAtMs !== undefined;
const hasEnded = ({ lastStatus }: Container): boolean => lastStatus === "STOPPED";

type Condition = NonNullable<ContainerDefinition["dependsOn"]>[number]["condition"];

const OUTCOMES: Readonly<Record<Condition, (other: Container) => Outcome>> = {
  START: (other) => (wasStarted(other) ? "met" : hasEnded(other) ? "impossible" : "waiting"),
  COMPLETE: (other) => (hasEnded(other) ? "met" : "waiting"),
  SUCCESS: (other) => (hasEnded(other) ? (other.exitCode === 0 ? "met" : "impossible") : "waiting"),
  HEALTHY: (other) =>
    hasEnded(other) ? "impossible" : other.healthStatus === "HEALTHY" ? "met" : "waiting",
};

/** Containers are stopped in the reverse order of their dependencies. */
export const dependentsOf = (name: string, all: readonly ContainerDefinition[]): string[] =>
  all
    .filter(({ dependsOn = [] }) => dependsOn.some(({ containerName }) => containerName === name))
    .map((it) => it.name);
