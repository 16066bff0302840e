import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";
import { apiPortSettings } from "#api/kit/settings.ts";
import type { Workload, WorkloadProgram } from "#deployer/fleet/workload.ts";
import { secretVariables } from "#platform/settings/settings.ts";

import { apiHostSettings } from "../settings.ts";
import { workerSettings } from "./service-settings.ts";

const FRONT_PORT = 8080;
/** Workers start Node, migrate their schema and wait for it; on a busy machine that takes long. */
const START_S = 120;
/** Requests in flight may take so long. */
const STOP_S = 30;
const LAME_DUCK_S = 4;
/** An estimate of what one API with its workers needs. */
const RESERVED = { cpu: 256, memory: 512 };

export type ApiWorkloadsOptions = {
  hasNginx: boolean;
  /** Whether they use the data of the demo while it is shown. */
  followsDemo?: boolean;
};

/**
 * The domain APIs as workloads: the workers of `quarterdeck api`, and nginx in front of them, where it is installed. Without it
 * a load balancer reaches the workers themselves, which stop at once.
 */
export function apiWorkloads({ hasNginx, followsDemo = false }: ApiWorkloadsOptions): Workload[] {
  const options = followsDemo ? ["--follow-demo"] : [];
  return SERVICE_NAMES.map((name) => ({
    name,
    ...RESERVED,
    port: hasNginx ? FRONT_PORT : portOf(name),
    checkPath: hasNginx ? "/healthz" : "/readyz",
    programs: hasNginx
      ? [workers(name, { at: "peer", options }), front(name)]
      : [workers(name, { at: "own", options })],
  }));
}

/** Logging has the store and the bus, Reporting its warehouse; the others keep everything in PostgreSQL. */
const KEEPS_FILES: readonly ServiceName[] = ["logging", "reporting"];

const portOf = (service: ServiceName): number => Number(apiPortSettings[service].default);

/** Workers behind nginx can be reached from their task only. */
const workers = (
  service: ServiceName,
  { at, options }: { at: "own" | "peer"; options: readonly string[] },
): WorkloadProgram => ({
  name: "workers",
  command: ["node", "bin/cli.mjs", "api", service, ...options],
  port: portOf(service),
  placeVariables: (place) => ({
    QUARTERDECK_HOST: place[at],
    [apiPortSettings[service].variable]: place.port(portOf(service)),
  }),
  alivePath: "/livez",
  startS: START_S,
  stopS: STOP_S,
  secrets: secretVariables({ host: apiHostSettings, ...workerSettings(service) }),
  files: KEEPS_FILES.includes(service) ? "shared" : "own",
});

const front = (service: ServiceName): WorkloadProgram => ({
  name: "front",
  command: ["docker/nginx/run.sh"],
  port: FRONT_PORT,
  placeVariables: (place) => ({
    FRONT_LISTEN: `${place.own}:${place.port(FRONT_PORT)}`,
    FRONT_UPSTREAM: `${place.peer}:${place.port(portOf(service))}`,
    FRONT_LAME_DUCK_S: String(LAME_DUCK_S),
  }),
  alivePath: "/livez",
  startS: START_S,
  stopS: LAME_DUCK_S + STOP_S,
  after: "workers",
  secrets: [],
  files: "none",
});
