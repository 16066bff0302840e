import type { z } from "zod";

/** A kind of job: its name in the table, the schema of its payload, and how often it is attempted. */
export type JobDefinition<Kind extends string = string, Payload extends z.ZodType = z.ZodType> = {
  readonly kind: Kind;
  /** Fields with `.meta({ secret: true })` are not shown to operators. */
  readonly payload: Payload;
  readonly attemptsMax: number | "unlimited";
};

/** About half a day with the waits between attempts: longer than the usual outage of a mail server. */
export const ATTEMPTS_MAX = 24;

/**
 * Declares a kind of job. `unlimited`: it is retried for ever.
 * Payloads outlive a release: a changed schema must accept the payloads of the previous release.
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
  /** Earliest time, epoch ms. Default: now. */
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
 * Performs one job. It must be idempotent: a process may die after the work and before the job is removed. If it
 * rejects, the job is attempted again with increasing waits.
 */
export type JobHandler<Payload> = (payload: Payload, run: JobRun) => Promise<void>;

/** A handler for each declared job: a missing handler, or one for another payload, does not compile. */
export type JobHandlers<Declared extends JobDefinition> = {
  readonly [Kind in Declared["kind"]]: JobHandler<z.output<PayloadOf<Declared, Kind>>>;
};

type BoundHandler<Handler> = Handler extends (deps: never, ...job: infer Job) => Promise<void>
  ? (...job: Job) => Promise<void>
  : never;

/**
 * Gives the handlers of a service their dependencies. The handlers may be a module that exports each of them under the
 * kind of its job: `export { charge as "payment.charge" } from "./charge.ts"`.
 */
export const bindHandlers = <
  Deps,
  const Handlers extends Readonly<
    Record<string, (deps: Deps, payload: never, run: JobRun) => Promise<void>>
  >,
>(
  handlers: Handlers,
  deps: Deps,
): { readonly [Kind in keyof Handlers]: BoundHandler<Handlers[Kind]> } =>
  // Each handler is bound under its own kind; the type of a mapped object cannot say so.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  Object.fromEntries(
    Object.entries(handlers).map(([kind, handler]) => [kind, handler.bind(undefined, deps)]),
  ) as { readonly [Kind in keyof Handlers]: BoundHandler<Handlers[Kind]> };

/** Handlers without their payload types: the runner parses the payloads. */
export type AnyJobHandlers = Readonly<Record<string, JobHandler<never>>>;
