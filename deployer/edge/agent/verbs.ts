import { z } from "zod";

import { COLOURS, type NodeView } from "#deployer/drivers.ts";

import { ClosedPort } from "../closed-port.ts";
import type { Mistake } from "../configuration/port.ts";
import { EdgeConfigSchema } from "../local/saved-config.ts";
import { BUCKETS, type LaneTallies } from "../traffic/lane-history.ts";

const SECOND = 1_000;
const KB = 1_024;
const WORKLOADS_MAX = 200;
const SLOTS_MAX = 1_000;
const TEMPLATE_CHARACTERS_MAX = 256 * KB;

const Name = z.string().regex(/^[a-z][a-z\d-]{0,39}$/, "give 1 to 40 of a-z, 0-9 and -");
const Colour = z.enum(COLOURS);
const both = <Of extends z.ZodType>(of: Of) => z.strictObject({ blue: of, green: of });
const Count = z.int().min(0);
const Done = z.null();

/** A workload as the nodes serve it: each on a port of its own. */
export const ServedWorkload = z.strictObject({
  name: Name,
  port: z.int().min(1).max(65_535),
  slotsPerColour: z.int().min(1).max(SLOTS_MAX),
  // Is written into the configuration, where a space or a quote would begin another word.
  checkPath: z.string().regex(/^\/[\w./~-]{0,199}$/, "give a path, such as /healthz"),
});
export type ServedWorkload = z.infer<typeof ServedWorkload>;

const SlotView = z.object({
  address: z.string().nullable(),
  state: z.enum(["maint", "drain", "ready"]),
  up: z.boolean(),
  sessions: Count,
});
const View = z.object({
  version: Count,
  route: EdgeConfigSchema.shape.route,
  releases: EdgeConfigSchema.shape.releases,
  slots: both(z.array(SlotView).max(SLOTS_MAX)),
}) satisfies z.ZodType<NodeView>;

const Tallies = both(
  z.object({
    requests: Count,
    errors: Count,
    hits: Count,
    misses: Count,
    latencies: z.array(Count).length(BUCKETS),
  }),
) satisfies z.ZodType<LaneTallies>;

const Text = z
  .string()
  .min(1)
  .max(4 * KB);
const Ban = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("url"), host: Text, url: Text }),
  z.strictObject({ kind: z.literal("tag"), tag: Text }),
  z.strictObject({ kind: z.literal("release"), workload: Name, release: Text }),
]);

const About = z.object({
  node: z.string(),
  /** The release of Quarterdeck. */
  release: z.string(),
  /** Since when the agent runs; epoch ms. */
  startedAtMs: z.number(),
  /** Ports of workloads that another program of the machine has. */
  closed: z.array(ClosedPort).default([]),
});

const Template = z.strictObject({ text: z.string().min(1).max(TEMPLATE_CHARACTERS_MAX) });
const Mistakes = z.array(
  z.object({ line: z.int().nullable(), message: z.string() }),
) satisfies z.ZodType<Mistake[]>;
const LaneHealth = z.object({ up: Count, status: z.int().nullable() });
const Health = z.object({
  pid: Count,
  template: z.string().optional(),
  workloads: z.record(z.string(), both(LaneHealth)),
});
const Errors = z.object({ requests: Count, errors: Count });
const CacheSize = z.object({ objects: z.number().nullable(), bytes: z.number().nullable() });

type VerbOf<In extends z.ZodType, Out extends z.ZodType> = {
  input: In;
  output: Out;
  /** Of the body of a request. */
  bytesMax: number;
  /** Until it is answered. */
  msMax: number;
};
const verb = <In extends z.ZodType, Out extends z.ZodType>(
  input: In,
  output: Out,
  limits: { bytesMax?: number; msMax?: number } = {},
): VerbOf<In, Out> => ({
  input,
  output,
  bytesMax: limits.bytesMax ?? 16 * KB,
  msMax: limits.msMax ?? 3 * SECOND,
});

/** A character may take six bytes in JSON. */
const TEMPLATE_LIMITS = { bytesMax: 6 * TEMPLATE_CHARACTERS_MAX + KB, msMax: 60 * SECOND };

/** All that an agent does. None takes a path, a command or an address to connect to, but those of tasks. */
export const VERBS = {
  version: verb(z.strictObject({}), About),
  /** Which workloads the node serves. It answers with 503 for one without a configuration. */
  serve: verb(z.strictObject({ workloads: z.array(ServedWorkload).max(WORKLOADS_MAX) }), Done, {
    bytesMax: 128 * KB,
    msMax: 60 * SECOND,
  }),
  read: verb(z.strictObject({ workload: Name }), View),
  apply: verb(z.strictObject({ workload: Name, config: EdgeConfigSchema }), Done, {
    bytesMax: 512 * KB,
    msMax: 10 * SECOND,
  }),
  closeSessions: verb(
    z.strictObject({ workload: Name, colour: Colour, overMs: z.int().min(0).max(3_600_000) }),
    Done,
  ),
  /** What clients got from each colour since then (epoch ms). */
  counts: verb(z.strictObject({ workload: Name, fromMs: z.number() }), Tallies),
  /** Changes nothing. */
  checkTemplate: verb(Template, Mistakes, TEMPLATE_LIMITS),
  /** The node goes on with the template before if it cannot start with this one. */
  useTemplate: verb(Template, Done, TEMPLATE_LIMITS),
  health: verb(z.strictObject({}), Health, { msMax: 10 * SECOND }),
  /** What clients got since the agent started. */
  errors: verb(z.strictObject({}), Errors),
  ban: verb(Ban, Done, { msMax: 10 * SECOND }),
  /** Null without a cache. */
  cacheSize: verb(z.strictObject({}), CacheSize.nullable(), { msMax: 10 * SECOND }),
};
export type Verb = keyof typeof VERBS;
export type Input<V extends Verb> = z.output<(typeof VERBS)[V]["input"]>;
export type Output<V extends Verb> = z.output<(typeof VERBS)[V]["output"]>;

/** How the node does each of them. */
export type AgentService = { [V in Verb]: (input: Input<V>) => Promise<Output<V>> };

export const isVerb = (name: string): name is Verb => Object.hasOwn(VERBS, name);
export const pathOf = (name: Verb): string => `/v1/${name}`;
/** More than any answer has. */
export const ANSWER_BYTES_MAX = 1_024 * KB;
