import { ECSClient } from "@aws-sdk/client-ecs";

import { EcsFleet } from "./ecs-fleet.ts";
import type { FleetClient } from "./fleet-client.ts";
import type { FleetPlace } from "./service-input.ts";

const ATTEMPTS_MAX = 12;
const REQUEST_MS_MAX = 10_000;

type FleetOptions = FleetPlace & {
  region: string;
  /** Default: that of Amazon ECS in the region, or what AWS_ENDPOINT_URL_ECS names. */
  url?: string;
  /** Default: those that the SDK finds. */
  credentials?: { accessKeyId: string; secretAccessKey: string };
};

/** Opens the way to a fleet on Amazon ECS or a local endpoint. */
export function openFleetClient(options: FleetOptions): FleetClient {
  const { region, url, credentials } = options;
  const client = new ECSClient({
    region,
    maxAttempts: ATTEMPTS_MAX,
    requestHandler: { requestTimeout: REQUEST_MS_MAX, connectionTimeout: REQUEST_MS_MAX / 2 },
    ...(url === undefined ? {} : { endpoint: url }),
    ...(credentials === undefined ? {} : { credentials }),
  });
  return new EcsFleet(client, options);
}
