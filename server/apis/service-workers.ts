import { fileURLToPath } from "node:url";

import type { ServiceName } from "#api/kit/service.ts";
import type { ConnectionDispatcher } from "#platform/processes/connection-dispatcher.ts";
import {
  type WorkerPool,
  type WorkerPoolOptions,
  startWorkerPool,
} from "#platform/processes/worker-pool.ts";

const WORKER = fileURLToPath(new URL("worker.ts", import.meta.url));

export type ServiceWorkersOptions = Omit<WorkerPoolOptions, "name" | "module" | "task"> & {
  service: ServiceName;
};

/** The worker processes of one service. */
export function startServiceWorkers(
  dispatcher: ConnectionDispatcher,
  { service, ...options }: ServiceWorkersOptions,
): WorkerPool {
  const name = `the ${service} API`;
  return startWorkerPool(dispatcher, { ...options, name, module: WORKER, task: { service } });
}
