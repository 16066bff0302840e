import { z } from "zod";

import { ATTEMPTS_MAX, type JobHandler, type JobHandlers } from "#api/kit/jobs.ts";
import type { Kit } from "#api/kit/service.ts";

const AGAIN_MS = 3_600_000;
const Payload = z.record(z.string(), z.unknown());

/**
 * A job that is never given up on, because money hangs on it: where others would be kept as failed, it is done again
 * every hour, and the log says so.
 */
function patientJob(kit: Kit, kind: string, work: JobHandler): JobHandler {
  return async (run) => {
    try {
      await work(run);
    } catch (error) {
      if (run.attempt < ATTEMPTS_MAX) throw error;
      kit.log.error("a job has failed often and will go on", { "event.action": kind, error });
      const payload = Payload.parse(run.payload);
      await kit.jobs.add(kit.database, { kind, payload, runAtMs: run.nowMs + AGAIN_MS });
    }
  };
}

/** The same for all jobs of a kind of work. */
export const patientJobs = (kit: Kit, jobs: JobHandlers): JobHandlers =>
  Object.fromEntries(
    Object.entries(jobs).map(([kind, work]) => [kind, patientJob(kit, kind, work)]),
  );
