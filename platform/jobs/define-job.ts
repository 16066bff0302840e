import type { z } from "zod";

/** A kind of job: its name in the table, the schema of its payload, and how often it is attempted. */
export type JobDefinition<Kind extends string = string, Payload extends z.ZodType = z.ZodType> = {
  readonly kind: Kind;
  /** Fields with `.meta({ secret: true })` are not shown to operators. */
  readonly payload: Payload;
  readonly attemptsMax: number | "unlimited";
};

/** Half a day, with the waits between the attempts: longer than a mail server is usually down. */
export const ATTEMPTS_MAX = 24;

/**
 * Declares a kind of job. `unlimited`: it is never given up, however often it fails.
 * Payloads outlive a release: change the schema so that those of the release before still fit.
 */
export const defineJob = <const Kind extends string, Payload extends z.ZodType>(
  kind: Kind,
  payload: Payload,
  { attemptsMax = ATTEMPTS_MAX }: { attemptsMax?: number | "unlimited" } = {},
): JobDefinition<Kind, Payload> => ({ kind, payload, attemptsMax });

type PayloadOf<Declared extends JobDefinition, Kind extends string> = Declared extends unknown
  ? Kind extends Declared["kind"]
    ? Declared["payload"]
    : never
  : never;

export type NewJob<Kind extends string = string, Payload = unknown> = {
  kind: Kind;
  payload: Payload;
  /** Epoch ms; not before. Default: at once. */
  runAtMs?: number;
  /** Not added while another job with this key is waiting or running. */
  key?: string;
};

/** A job of a declared kind, with a payload that fits its schema. */
export type DeclaredJob<
  Declared extends JobDefinition,
  Kind extends Declared["kind"] = Declared["kind"],
> = NewJob<Kind, z.input<PayloadOf<Declared, Kind>>>;

export type JobRun = { attempt: number; nowMs: number };

/**
 * Does one job. It must be idempotent: a process may die after the work and before the job is removed. When it rejects,
 * the job is attempted again, with longer and longer waits.
 */
export type JobHandler<Payload> = (payload: Payload, run: JobRun) => Promise<void>;

/** A handler for each declared job: one that is missing, or that takes another payload, does not compile. */
export type JobHandlers<Declared extends JobDefinition> = {
  readonly [Kind in Declared["kind"]]: JobHandler<z.output<PayloadOf<Declared, Kind>>>;
};

/** Handlers whose payload types are forgotten: the runner parses the payloads. */
export type AnyJobHandlers = Readonly<Record<string, JobHandler<never>>>;
