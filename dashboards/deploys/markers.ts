import { z } from "zod";

/** A moment of a deploy on the charts of the board. */
export const DeployMarker = z.object({
  /** The id of the deploy. */
  deploy: z.string(),
  workload: z.string(),
  release: z.string(),
  from: z.string().nullable(),
  /** `begins`: the new release gets its first requests. The others are how a deploy ended. */
  kind: z.enum(["begins", "succeeded", "rolled-back", "failed", "aborted", "expired"]),
  atMs: z.number(),
});
export type DeployMarker = z.infer<typeof DeployMarker>;

/** GET /api/deploy-markers?from=&to= — those of workloads that the member may see, oldest first. */
export const DeployMarkers = z.object({
  markers: z.array(DeployMarker),
  /** Whether there are older ones in the range. */
  isCut: z.boolean(),
});
