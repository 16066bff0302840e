import { z } from "zod";

import { ServiceKeys } from "#api/kit/keys.ts";

/** What a worker process of a service is given by the process that starts it. */
export const WorkerInput = z.object({
  /** Environment variables of the settings that it reads. */
  variables: z.record(z.string(), z.string()),
  keys: ServiceKeys,
});
export type WorkerInput = z.infer<typeof WorkerInput>;
