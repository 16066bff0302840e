import { z } from "zod";

import { Colour, Time } from "./colours.ts";

/** The configuration of the edge and its caches, with one schema for both ends. Times are epoch ms. */

/** A version of the template. */
const EdgeVersion = z.object({
  number: z.number(),
  hash: z.string(),
  author: z.string(),
  reason: z.string(),
  atMs: z.number(),
  /** The version whose text it repeats; null if it was written. */
  repeats: z.number().nullable(),
  /** `went-back`: no node has it, for the reason `failure`. */
  state: z.enum(["applying", "applied", "went-back"]),
  endedMs: Time,
  failure: z.string().nullable(),
});

/** How far a node is with a version. */
const NODE_PROGRESS = [
  "waits",
  "reloads",
  "is-checked",
  "is-observed",
  "has-it",
  "failed",
  "goes-back",
  "is-back",
] as const;

export const EdgeConfigurationView = z.object({
  /** The version that all nodes have; 0 is the one that Quarterdeck brings. */
  current: z.number(),
  /** The newest 50, newest first. */
  versions: z.array(EdgeVersion),
  /** Of the newest version, in the order in which nodes get it; empty after a restart. */
  progress: z.array(z.object({ node: z.string(), progress: z.enum(NODE_PROGRESS) })),
});
export type EdgeConfigurationView = z.infer<typeof EdgeConfigurationView>;

/** GET /api/edge/template: a version of the template with its text. */
export const EdgeTemplate = z.object({ version: z.number(), text: z.string() });
export type EdgeTemplate = z.infer<typeof EdgeTemplate>;

/** POST /api/edge/template/check: what is wrong, by lines of the template from 1; null is about all of it. */
export const TemplateMistakes = z.object({
  mistakes: z.array(z.object({ line: z.number().nullable(), message: z.string() })),
});
export type TemplateMistakes = z.infer<typeof TemplateMistakes>;

/** POST /api/edge/template/versions and /api/edge/template/roll-back: the version that is on its way, or that is there already. */
export const TemplateBegun = z.object({ version: z.number() });
export type TemplateBegun = z.infer<typeof TemplateBegun>;

/** What the caches have and how often they answered. */
export const CacheView = z.object({
  /** Null where it is not known. */
  nodes: z.array(
    z.object({ id: z.string(), objects: z.number().nullable(), bytes: z.number().nullable() }),
  ),
  /** Requests of the last hour that were looked up. */
  lanes: z.array(
    z.object({ workload: z.string(), colour: Colour, hits: z.number(), misses: z.number() }),
  ),
});
export type CacheView = z.infer<typeof CacheView>;

/** POST /api/edge/bans: the caches from which responses were removed. */
export const BanAnswer = z.object({ nodes: z.array(z.string()) });
export type BanAnswer = z.infer<typeof BanAnswer>;
