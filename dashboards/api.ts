import { z } from "zod";

import { Me, SetupState } from "#access/member.ts";
import { LiveFrame as WindowFrame } from "#pipeline/live/frame.ts";
import { Point } from "#pipeline/metrics/query.ts";

/** The HTTP and socket messages between browser and control plane, with one schema for both ends. */
export { Me, SetupState };

export const LiveFrame = WindowFrame.extend({
  /** Whether an indexer is connected; otherwise there are no new events. */
  hasIndexer: z.boolean(),
});
export type LiveFrame = z.infer<typeof LiveFrame>;

export const DatasetExtent = z.object({
  dataset: z.string(),
  rows: z.number(),
  fromMs: z.number(),
  toMs: z.number(),
});

const Series = z.array(Point);

/** Stored events that cannot be read: numbers over this range may be incomplete. */
export const Hole = z.object({
  fromMs: z.number(),
  toMs: z.number(),
  dataset: z.string().optional(),
  events: z.number(),
});
export type Hole = z.infer<typeof Hole>;

/** A predicted series with its bands: each array is as long as `tMs`. */
export const Prediction = z.discriminatedUnion("status", [
  z.object({
    status: z.literal("ready"),
    model: z.string(),
    issuedMs: z.number(),
    stepMs: z.number(),
    tMs: z.array(z.number()),
    mean: z.array(z.number()),
    bands: z.array(
      z.object({ level: z.number(), lower: z.array(z.number()), upper: z.array(z.number()) }),
    ),
    /**
     * Measured on the series: MASE against the same time one season earlier, and the share of values inside each band.
     */
    mase: z.number().nullable(),
    coverage: z.array(z.object({ level: z.number(), ratio: z.number() })),
  }),
  z.object({ status: z.literal("learning"), reason: z.string() }),
]);
export type Prediction = z.infer<typeof Prediction>;

const Expected = z.object({ mean: z.number(), lower: z.number(), upper: z.number() }).nullable();
export const Turnover = z.object({
  minutes: z.number(),
  signIns: z.number(),
  signOuts: z.number(),
  /** The prediction for the same minutes (95 % interval); null if there is none yet. */
  expectedSignIns: Expected,
  expectedSignOuts: Expected,
});

/** A present problem of the control plane, as the viewer may see it. */
export const ShownProblem = z.object({
  id: z.string(),
  level: z.enum(["error", "warning"]),
  message: z.string(),
  /** What to do; null for viewers who cannot do it. */
  action: z.string().nullable(),
  sinceMs: z.number(),
});
export type ShownProblem = z.infer<typeof ShownProblem>;

/** Socket event `problems` in its own namespace: all present problems, errors first. */
export const ProblemsMessage = z.array(ShownProblem);
export type ProblemsMessage = z.infer<typeof ProblemsMessage>;
export const PROBLEMS_NAMESPACE = "/problems";

/** The board's metrics in an earlier period of the same length, with the times of the shown range. */
export const Comparison = z.object({
  to: z.enum(["previous", "week"]),
  /** The earlier period itself. */
  fromMs: z.number(),
  toMs: z.number(),
  series: z.record(z.string(), Series),
  /** Totals over the earlier period. */
  values: z.record(z.string(), z.number().nullable()),
});
export type Comparison = z.infer<typeof Comparison>;

/** The most frequent values of a field, most frequent first. */
export const BreakDown = z.object({
  field: z.string(),
  /** What is counted. */
  of: z.enum(["requests", "events"]),
  stepMs: z.number(),
  values: z.array(
    z.object({
      value: z.string(),
      count: z.number(),
      errors: z.number().nullable(),
      clientErrors: z.number().nullable(),
      p95Ms: z.number().nullable(),
      /** Per second. */
      points: Series,
      /** In the compared period, with the times of the shown range; null if nothing is compared. */
      compared: z.object({ count: z.number(), points: Series }).nullable(),
    }),
  ),
  /** Number of other values, or a lower bound of it. */
  more: z.number(),
  isMoreExact: z.boolean(),
});
export type BreakDown = z.infer<typeof BreakDown>;

/** What may be wrong with a query that is valid, and the query that may be meant. */
export const SearchHint = z.object({ text: z.string(), query: z.string() });
export type SearchHint = z.infer<typeof SearchHint>;

/** GET /api/board?from=&to=&dataset=&q=&by=&compare= — everything the home board shows for a range. */
export const Board = z.object({
  fromMs: z.number(),
  toMs: z.number(),
  stepMs: z.number(),
  /** Whether the range follows the clock, so that live frames are added to it. */
  live: z.boolean(),
  demo: z.boolean(),
  dataset: z.string().nullable(),
  /** Of very many datasets those with the most events, and the number of all. */
  datasets: z.array(DatasetExtent),
  datasetsTotal: z.number(),
  /** Whether only the events of a filter are counted; live frames are of all events. */
  isFiltered: z.boolean(),
  hints: z.array(SearchHint),
  /** The sources and their state, while there are no events; for members who may see raw events. */
  waitingFor: z.array(z.object({ path: z.string(), message: z.string() })),
  /** Points and the value over the whole range, by metric name. */
  series: z.record(z.string(), Series),
  values: z.record(z.string(), z.number().nullable()),
  /** Names of the counts that live frames have for each second. */
  counts: z.array(z.string()),
  /** Names of the instances that answered. */
  instances: z.array(z.string()),
  quarantined: z.number(),
  holes: z.array(Hole),
  /** What is wrong at the moment. Pages get it by socket instead, because it changes without a reload. */
  problems: ProblemsMessage,
  turnover: z.array(Turnover),
  /** The end of the minutes of `turnover`. */
  turnoverToMs: z.number(),
  topRoutes: z.array(
    z.object({
      route: z.string(),
      requests: z.number(),
      errors: z.number(),
      p95Ms: z.number().nullable(),
    }),
  ),
  /** The maximum by which each number of `topRoutes` is too small, because there are very many routes; 0 if exact. */
  topRoutesShortfallMax: z.number(),
  breakDown: BreakDown.nullable(),
  comparison: Comparison.nullable(),
  predictedRequestsPerSecond: Prediction,
  /** Time of the newest event of the dataset, and of the response. */
  newestEventMs: z.number().nullable(),
  atMs: z.number(),
});
export type Board = z.infer<typeof Board>;

export const EventDocument = z.object({
  id: z.string(),
  fields: z.record(z.string(), z.unknown()),
});
export type EventDocument = z.infer<typeof EventDocument>;

/** GET /api/events?from=&to=&q=&after= */
export const EventPage = z.object({
  events: z.array(EventDocument),
  /** Pass as `after` for the next page; null at the end. */
  next: z.string().nullable(),
});

const FacetValue = z.object({ value: z.string(), count: z.number() });

/** GET /api/events/facet?field=&from=&to=&q= */
export const FacetValues = z.object({ values: z.array(FacetValue), isComplete: z.boolean() });

/** GET /api/event/surroundings?id= — newest first. */
export const Surroundings = z.object({
  after: z.array(EventDocument),
  before: z.array(EventDocument),
});

/**
 * GET /api/events/overview?from=&to=&q= — histogram and facets of a search, and the range searched. Without from and
 * to the server chooses the range, as for the board.
 */
export const EventOverview = z.object({
  fromMs: z.number(),
  toMs: z.number(),
  live: z.boolean(),
  demo: z.boolean(),
  /** Of very many datasets those with the most events, and the number of all. */
  datasets: z.array(DatasetExtent),
  datasetsTotal: z.number(),
  stepMs: z.number(),
  count: z.number(),
  hints: z.array(SearchHint),
  histogram: z.array(Point),
  holes: z.array(Hole),
  facets: z.array(z.object({ field: z.string(), values: z.array(FacetValue) })),
  /** Time of the response. */
  atMs: z.number(),
});

/** GET /api/events/suggestions — texts that may take the place of the query from `from` on. */
export const SearchSuggestions = z.object({
  from: z.int(),
  options: z.array(z.object({ text: z.string(), detail: z.string() })),
});
export type SearchSuggestions = z.infer<typeof SearchSuggestions>;

/** GET /api/help/search */
export const SearchHelp = z.object({ markdown: z.string() });

export type EventPage = z.infer<typeof EventPage>;
export type EventOverview = z.infer<typeof EventOverview>;
export type DatasetExtent = z.infer<typeof DatasetExtent>;
export type Turnover = z.infer<typeof Turnover>;

/** GET /api/metrics/catalogue — the definition of each metric, in words. */
export const MetricCatalogue = z.array(
  z.object({ name: z.string(), title: z.string(), unit: z.string(), meaning: z.string() }),
);
export type MetricCatalogue = z.infer<typeof MetricCatalogue>;

/** Socket event `tail`: new events, about fifty a second at most; `skipped` counts those left out. */
export const TailMessage = z.object({ events: z.array(EventDocument), skipped: z.number() });

export type TailMessage = z.infer<typeof TailMessage>;

/** RFC 9457, with the invalid fields. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string().optional(),
  instance: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), code: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof Problem>;
