import { fileURLToPath } from "node:url";

import type { ServiceName } from "#api/kit/service.ts";
import type { ConnectionDispatcher } from "#platform/processes/connection-dispatcher.ts";
import {
  type WorkerPool,
  type WorkerPoolOptions,
  startWorkerPool,
} from "#platform/processes/worker-pool.ts";
import { processEnvironment } from "#platform/settings/process-environment.ts";

import type { WorkerInput } from "./worker-input.ts";

const WORKER = fileURLToPath(new URL("worker.ts", import.meta.url));

export type ServiceWorkersOptions = Omit<
  WorkerPoolOptions,
  "name" | "module" | "task" | "env" | "input"
> & {
  service: ServiceName;
  input: WorkerInput;
};

/** The worker processes of one service. */
export function startServiceWorkers(
  dispatcher: ConnectionDispatcher,
  { service, ...options }: ServiceWorkersOptions,
): WorkerPool {
  const name = `the ${service} API`;
  const env = processEnvironment(process.env);
  return startWorkerPool(dispatcher, { ...options, name, module: WORKER, task: { service }, env });
}
