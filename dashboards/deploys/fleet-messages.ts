import { z } from "zod";

import { Colour, colours, Time } from "./colours.ts";
import { CacheView, EdgeConfigurationView } from "./edge-messages.ts";

/** What pages and commands read about what runs, with one schema for both ends. Times are epoch ms. */

export const FleetTask = z.object({
  /** The last part of its ARN. */
  id: z.string(),
  release: z.string().nullable(),
  /** `RUNNING`, `PENDING`, `STOPPED` …, as Amazon ECS names them. */
  status: z.string(),
  desiredStatus: z.string(),
  health: z.enum(["HEALTHY", "UNHEALTHY", "UNKNOWN"]),
  address: z.string().nullable(),
  createdAtMs: z.number(),
  startedAtMs: Time,
  stoppedAtMs: Time,
  stoppedReason: z.string().nullable(),
  containers: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      exitCode: z.number().nullable(),
      reason: z.string().nullable(),
    }),
  ),
});
export type FleetTask = z.infer<typeof FleetTask>;

/** GET /api/fleet: the services of all workloads; those that do not exist yet are left out. */
export const FleetAnswer = z.object({
  /** Where the tasks run: "processes of this machine", or the region and cluster of Amazon ECS. */
  place: z.string(),
  services: z.array(
    z.object({
      name: z.string(),
      workload: z.string(),
      colour: Colour,
      status: z.string(),
      isLive: z.boolean(),
      release: z.string().nullable(),
      desired: z.number(),
      running: z.number(),
      pending: z.number(),
      rollout: z.enum(["IN_PROGRESS", "COMPLETED", "FAILED"]),
      rolloutReason: z.string(),
      failedTasks: z.number(),
      /** Newest first. */
      events: z.array(z.object({ id: z.string(), atMs: z.number(), message: z.string() })),
      /** Those that run or shall run, and then those that ended in the last hour, newest first. */
      tasks: z.array(FleetTask),
    }),
  ),
});
export type FleetAnswer = z.infer<typeof FleetAnswer>;

/** GET /api/fleet/tasks/{taskId}/log?container=…: the end of the output of a container. */
export const TaskLog = z.object({
  task: z.string(),
  container: z.string(),
  text: z.string(),
  /** Whether there is more before it. */
  isCut: z.boolean(),
  /** Where the output is, if it cannot be read here; null if it is in `text`. */
  keptIn: z.string().nullable(),
});
export type TaskLog = z.infer<typeof TaskLog>;

const SlotRow = z.object({
  /** The name of the slot in configurations: s1, s2 … */
  slot: z.string(),
  address: z.string().nullable(),
  state: z.enum(["maint", "drain", "ready"]),
  isUp: z.boolean(),
  sessions: z.number(),
});

/** GET /api/edge. */
export const EdgeAnswer = z.object({
  configuration: EdgeConfigurationView.nullable(),
  cache: CacheView.nullable(),
  nodes: z.array(
    z.object({
      id: z.string(),
      /** `current`: all its workloads have their newest configuration. `not-started`: nothing was deployed yet. */
      status: z.enum(["current", "behind", "unreachable", "retired", "not-started"]),
      /** What an operator should know, such as a certificate that ends soon. */
      notes: z.array(z.string()),
      workloads: z.array(
        z.object({
          workload: z.string(),
          /** Where clients reach it through this node. */
          url: z.string(),
          isCurrent: z.boolean(),
          version: z.number(),
          live: Colour,
          shareBp: colours(z.number()),
          releases: colours(z.string().nullable()),
          slots: colours(z.array(SlotRow)),
        }),
      ),
    }),
  ),
});
export type EdgeAnswer = z.infer<typeof EdgeAnswer>;
