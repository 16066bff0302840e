import { clusterOperations } from "./clusters.ts";
import type { Operation } from "./operation.ts";
import { protectionOperations } from "./protection.ts";
import { serviceOperations } from "./services.ts";
import { tagOperations } from "./tags.ts";
import { taskDefinitionOperations } from "./task-definitions.ts";
import { taskOperations } from "./tasks.ts";

/** The operations of Amazon ECS that the endpoint has, by name. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  Object.entries({
    ...clusterOperations,
    ...taskDefinitionOperations,
    ...serviceOperations,
    ...taskOperations,
    ...tagOperations,
    ...protectionOperations,
  }),
);
