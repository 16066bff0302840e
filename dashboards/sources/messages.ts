import { z } from "zod";

import { queryInt } from "#platform/http/schema.ts";

/** The messages about sources between browser and control plane, with one schema for both ends. */

export const SOURCES_NAMESPACE = "/sources";

/** The states of a source, the most serious one first. */
export const SOURCE_STATES = [
  "failing",
  "warning",
  "silent",
  "behind",
  "waiting",
  "idle",
  "receiving",
] as const;
export type SourceState = (typeof SOURCE_STATES)[number];

export const SORTS = ["state", "name", "rate", "newest", "behind", "quarantined"] as const;
export const GROUPS = ["none", "kind", "state", "format"] as const;

export const ROWS_MAX = 500;
export const ROWS_DEFAULT = 100;

/** What a page shows: GET /api/sources?…, and socket event `view`. */
export const SourcesView = z.strictObject({
  q: z.string().max(200).default("").describe("Words in the name, kind, paths or formats."),
  state: z.enum(SOURCE_STATES).optional(),
  sort: z.enum(SORTS).default("state"),
  group: z.enum(GROUPS).default("none"),
  source: z.string().max(4_096).optional().describe("The source whose details are included."),
  limit: queryInt({ min: 1, max: ROWS_MAX, fallback: ROWS_DEFAULT }),
});
export type SourcesView = z.infer<typeof SourcesView>;

const Time = z.number().nullable();

export const SourceRow = z.object({
  source: z.string(),
  /** Name and title of its kind. */
  kind: z.string(),
  title: z.string(),
  /** Where it was configured: in the sources file, or on the command line; or pushed without a name. */
  origin: z.enum(["file", "start", "pushed"]),
  state: z.enum(SOURCE_STATES),
  /** Why it is in this state, and what to do. */
  reason: z.string(),
  /** Its group, if they are grouped. */
  group: z.string(),
  /** Number of its files, hosts or other parts. */
  parts: z.number(),
  eventsPerSecond: z.number(),
  /** Since the indexer started. */
  events: z.number(),
  /** Number of its lines in quarantine, also from before. */
  quarantined: z.number(),
  newestEventMs: Time,
  arrivedMs: Time,
  /** Time from an event to its reading. */
  delayMs: Time,
  usualGapMs: Time,
  /** What is not read yet. */
  behind: z.object({ left: z.number(), unit: z.enum(["bytes", "objects", "messages"]) }).nullable(),
  /** Why less is read, or accepted from senders, than could be; null if nothing holds it back. */
  paused: z.string().nullable(),
  /** Datasets of its events, most events first. */
  formats: z.array(z.string()),
});
export type SourceRow = z.infer<typeof SourceRow>;

const SourcePart = z.object({
  path: z.string(),
  level: z.enum(["info", "warning", "error"]),
  /** Sentences about its state and its lines. */
  notes: z.array(z.string()),
  read: z.number().nullable(),
  total: z.number().nullable(),
  unit: z.enum(["bytes", "objects", "messages"]).nullable(),
});

export const SourceDetail = z.object({
  row: SourceRow,
  properties: z.array(z.object({ name: z.string(), values: z.array(z.string()) })),
  /** Those with problems first. */
  parts: z.array(SourcePart),
  /** Events by dataset. */
  datasets: z.array(z.object({ dataset: z.string(), events: z.number() })),
  /** The line that arrived last; null if none has arrived, or for members who may not see raw events. */
  last: z
    .object({
      path: z.string(),
      raw: z.string(),
      fields: z.array(z.object({ name: z.string(), value: z.string() })),
    })
    .nullable(),
});
export type SourceDetail = z.infer<typeof SourceDetail>;

/** GET /api/sources and socket event `sources`. */
export const SourcesAnswer = z.object({
  rows: z.array(SourceRow),
  /** Number of the sources that match the search and the state, and of all. */
  matching: z.number(),
  total: z.number(),
  /** Number of all sources by state. */
  counts: z.record(z.enum(SOURCE_STATES), z.number()),
  /** The details of the requested source; null if there is no such source. */
  detail: SourceDetail.nullable(),
  demo: z.boolean(),
  hasIndexer: z.boolean(),
  /** Where pushed events are received, such as http://127.0.0.1:4680, and the source that events from there name. */
  listening: z.array(z.object({ source: z.string(), address: z.string() })),
  /** Paths that were named at start and are not read, at most a hundred. */
  excluded: z.array(z.string()),
  /** The path of the sources file. */
  filePath: z.string(),
  /** Why the sources file is not used as it is; null if it is. */
  fileProblem: z.string().nullable(),
  /** What the member may do. */
  mayManage: z.boolean(),
  maySeeLines: z.boolean(),
  atMs: z.number(),
});
export type SourcesAnswer = z.infer<typeof SourcesAnswer>;
