import { z } from "zod";

import { AppError } from "../errors.ts";
import type { Caller } from "../http/caller.ts";
import { cutPage, decodeCursor } from "../http/cursor.ts";
import { type Route, route } from "../http/route.ts";
import { Timestamp, iso, isoOrNull, pageOf, pageQuery } from "../http/schema.ts";
import type { Queryable } from "../postgres/database.ts";
import type { JobDefinition } from "./define-job.ts";
import {
  JOB_STATES,
  type StoredJob,
  dropJob,
  findJob,
  listJobs,
  lockJob,
  resetJob,
} from "./job-admin.ts";
import { wakeRunners } from "./jobs.ts";
import { REDACTED, redact } from "./redact.ts";

type Deps = {
  /** Name of the service, and of its schema. */
  service: string;
  definitions: readonly JobDefinition[];
  /** Writes an ECS document to the log. */
  emit(fields: Readonly<Record<string, unknown>>): void;
  hashUser(accountId: string): string;
};

const Job = z
  .strictObject({
    id: z.string(),
    kind: z.string(),
    state: z.enum(JOB_STATES),
    attempts: z.int(),
    createdAt: Timestamp.nullable().describe("null for a job of an early release"),
    runAt: Timestamp.describe("when it is or was due"),
    failedAt: Timestamp.nullable(),
    lastError: z.string().nullable(),
  })
  .meta({ id: "Job" });
const JobDetail = z
  .strictObject({ ...Job.shape, payload: z.unknown().describe("with secrets redacted") })
  .meta({ id: "JobDetail" });

const Params = z.strictObject({
  jobId: z.string().regex(/^\d{1,15}$/, { error: "give the id of a job" }),
});
const Cursor = z.tuple([z.int().min(0)]);

/** Jobs for operators: list, inspect, retry, drop. Their permissions are SERVICE:jobs:read and SERVICE:jobs:write. */
export const jobRoutes = (deps: Deps): Route[] => [
  listRoute(deps),
  getRoute(deps),
  retryRoute(deps),
  dropRoute(deps),
];

const listRoute = ({ service }: Deps): Route =>
  route({
    method: "GET",
    path: "/v1/jobs",
    operationId: "listJobs",
    tag: "Jobs",
    summary: "Lists background jobs, oldest first",
    description:
      "Completed jobs are removed. A failed job has no attempts left and is kept until it is retried or dropped.",
    rule: { allow: "permission", permission: `${service}:jobs:read` },
    query: pageQuery({ state: z.enum(JOB_STATES).optional() }),
    responses: { 200: { description: "A page of jobs", body: pageOf(Job) } },
    async handle({ query: { state, limit, cursor }, read, nowMs }) {
      const [afterId] = decodeCursor(Cursor, cursor) ?? [0];
      const jobs = await listJobs(read, { state, afterId, limit: limit + 1, nowMs });
      const by = { item: factsOf, cursor: ({ id }: StoredJob) => [id] };
      return { status: 200, body: cutPage(jobs, limit, by) };
    },
  });

const getRoute = ({ service, definitions }: Deps): Route =>
  route({
    method: "GET",
    path: "/v1/jobs/{jobId}",
    operationId: "getJob",
    tag: "Jobs",
    summary: "Returns a job with its payload",
    rule: { allow: "permission", permission: `${service}:jobs:read` },
    params: Params,
    responses: { 200: { description: "The job", body: JobDetail } },
    async handle({ params, read, nowMs }) {
      const job = (await findJob(read, Number(params.jobId), nowMs)) ?? noJob(params.jobId);
      const definition = definitions.find(({ kind }) => kind === job.kind);
      const payload = definition ? redact(definition.payload, job.payload) : REDACTED;
      return { status: 200, body: { ...factsOf(job), payload } };
    },
  });

const retryRoute = (deps: Deps): Route =>
  route({
    method: "POST",
    path: "/v1/jobs/{jobId}/retry",
    operationId: "retryJob",
    tag: "Jobs",
    summary: "Runs a failed or waiting job immediately",
    description: "Resets the number of its attempts.",
    rule: { allow: "permission", permission: `${deps.service}:jobs:write` },
    params: Params,
    responses: { 200: { description: "The job, waiting", body: Job } },
    async handle({ params, write, nowMs, caller, traceId }) {
      const response = await write(async (tx) => {
        const job = await lockIdle(tx, params.jobId, nowMs);
        await resetJob(tx, job.id, nowMs);
        await wakeRunners(tx, deps.service);
        const state = "waiting" as const;
        const reset = { ...job, state, attempts: 0, run_at: new Date(nowMs), failed_at: null };
        return { status: 200, body: factsOf(reset) };
      });
      emitAction(deps, "retry", { jobId: params.jobId, caller, traceId });
      return response;
    },
  });

const dropRoute = (deps: Deps): Route =>
  route({
    method: "DELETE",
    path: "/v1/jobs/{jobId}",
    operationId: "dropJob",
    tag: "Jobs",
    summary: "Drops a failed or waiting job",
    description: "The job is never executed.",
    rule: { allow: "permission", permission: `${deps.service}:jobs:write` },
    params: Params,
    responses: { 204: { description: "Dropped" } },
    async handle({ params, write, nowMs, caller, traceId }) {
      const response = await write(async (tx) => {
        const job = await lockIdle(tx, params.jobId, nowMs);
        await dropJob(tx, job.id);
        return { status: 204 };
      });
      emitAction(deps, "drop", { jobId: params.jobId, caller, traceId });
      return response;
    },
  });

/** @throws AppError not_found, or conflict while a process runs it */
async function lockIdle(tx: Queryable, jobId: string, nowMs: number): Promise<StoredJob> {
  const job = (await lockJob(tx, Number(jobId), nowMs)) ?? noJob(jobId);
  if (job.state !== "running") return job;
  throw new AppError("conflict", `Job ${jobId} is running: wait until this attempt has ended.`);
}

function noJob(jobId: string): never {
  throw new AppError(
    "not_found",
    `There is no job ${jobId}; it may be completed. GET /v1/jobs lists the jobs.`,
  );
}

const factsOf = (job: StoredJob): z.input<typeof Job> => ({
  id: String(job.id),
  kind: job.kind,
  state: job.state,
  attempts: job.attempts,
  createdAt: isoOrNull(job.created_at?.getTime() ?? null),
  runAt: iso(job.run_at.getTime()),
  failedAt: isoOrNull(job.failed_at?.getTime() ?? null),
  lastError: job.last_error,
});

type By = { jobId: string; caller: Caller; traceId: string };

const emitAction = (
  { emit, hashUser }: Deps,
  action: "retry" | "drop",
  { jobId, caller, traceId }: By,
): void =>
  emit({
    "log.level": "info",
    message: `job ${jobId}: ${action} by an operator`,
    "event.kind": "event",
    "event.category": ["process"],
    "event.type": ["change"],
    "event.action": `job-${action}`,
    "event.outcome": "success",
    "labels.job": jobId,
    "trace.id": traceId,
    ...(caller.id === "" ? {} : { "user.hash": hashUser(caller.id) }),
  });
