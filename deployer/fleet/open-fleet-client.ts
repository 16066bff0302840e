import { ECSClient } from "@aws-sdk/client-ecs";

import { type Attempts, EcsFleet } from "./ecs-fleet.ts";
import type { FleetClient } from "./fleet-client.ts";
import { isAnswer } from "./fleet-error.ts";
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
  return new EcsFleet(client, options, { attempts: noteAttempts(client) });
}

/** Notes why the last attempt of a request failed, which is repeated without telling. */
function noteAttempts({ middlewareStack }: ECSClient): Attempts {
  const attempts: Attempts = { refusal: undefined };
  middlewareStack.add(
    (next) => async (args) => {
      try {
        const answer = await next(args);
        attempts.refusal = undefined;
        return answer;
      } catch (error) {
        if (isAnswer(error)) attempts.refusal = error;
        throw error;
      }
    },
    { step: "deserialize", priority: "high", name: "noteAttempts" },
  );
  return attempts;
}
