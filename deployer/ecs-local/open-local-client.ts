import { CreateClusterCommand, ECSClient } from "@aws-sdk/client-ecs";

import type { FleetClient } from "../fleet/fleet-client.ts";
import { asAppError } from "../fleet/fleet-error.ts";
import { openFleetClient } from "../fleet/open-fleet-client.ts";
import type { Endpoint } from "./open-endpoint.ts";

/** Opens the way to a cluster of a local endpoint, and creates it if it is missing. @throws AppError */
export async function openLocalClient(
  { address }: Pick<Endpoint, "address">,
  clusterName = "quarterdeck",
): Promise<FleetClient> {
  const { url, region, credentials } = address;
  const client = new ECSClient({ endpoint: url, region, credentials });
  try {
    await client.send(new CreateClusterCommand({ clusterName }));
  } catch (error) {
    throw asAppError(error);
  } finally {
    client.destroy();
  }
  return openFleetClient({
    url,
    region,
    credentials,
    cluster: clusterName,
    launchType: "FARGATE",
    network: { subnets: ["local"] },
  });
}
