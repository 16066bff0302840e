import type { SourceStatus } from "#collectors/source.ts";
import type { Channel, ChannelAddress } from "#platform/channel/port.ts";

import type { Filter } from "../filter.ts";
import type { DescribedLine } from "../ingest/describe-last-line.ts";
import type { Sealed } from "../ingest/ingest-deps.ts";
import type { SourceActivity } from "../ingest/source-activity.ts";
import type { FrameDelta } from "../live/live-part.ts";
import type { EventDocument, StoreProblem } from "../store/port.ts";

/** The channels between indexers and control planes. The protocol changes with the messages below. */
export const liveAddress = (dataFolder: string): ChannelAddress => ({
  dataFolder,
  name: "index",
  protocol: "quarterdeck live 5",
});

/** The filter of the requested new events. */
export type TailRequest = { id: string; filter: Filter };

export type IndexerStatus = {
  lines: number;
  quarantined: number;
  /** Events that were dropped, by the name of the rule. */
  dropped: Readonly<Record<string, number>>;
  /** Secrets that were redacted, by kind and dataset: `email nginx.access`. */
  redacted: Readonly<Record<string, number>>;
  sources: SourceStatus[];
  activities: SourceActivity[];
  /** The last lines of the watched sources. */
  lastLines: (DescribedLine & { source: string })[];
  /** The reason why events cannot be stored now. */
  storeError: string | null;
  /** The reason why pushed events cannot be accepted now. */
  busError: string | null;
  /** Problems of the store, including those that only the indexer detects, such as failed merges. */
  storeProblems: readonly StoreProblem[];
  /** Number of failed attempts to store events, and to merge or remove stored ones. */
  storeFailures: number;
  upkeepFailures: number;
};

/** The status of an indexer that has not read anything. */
export const NO_STATUS: IndexerStatus = {
  lines: 0,
  quarantined: 0,
  dropped: {},
  redacted: {},
  sources: [],
  activities: [],
  lastLines: [],
  storeError: null,
  busError: null,
  storeProblems: [],
  storeFailures: 0,
  upkeepFailures: 0,
};

export type FromIndexer =
  /**
   * The beginning of the live frames, also after some were dropped: `unsealed` are the frames since the last seal.
   * `sealed`: whether the indexer has sealed rows before, which are in the store.
   */
  | { type: "begin"; unsealed: FrameDelta[]; sealed: boolean; framesDropped: number }
  | { type: "frames"; deltas: FrameDelta[] }
  | ({ type: "sealed" } & Sealed)
  | ({ type: "status" } & IndexerStatus)
  | { type: "tail"; id: string; events: EventDocument[]; skipped: number };

export type ToIndexer =
  | { type: "tails"; tails: TailRequest[] }
  /** The sources whose last lines are wanted. */
  | { type: "watched"; sources: string[] };

/** The two ends of the channel between an indexer and a control plane. */
export type IndexerEnd = Channel<ToIndexer, FromIndexer>;
export type ControlEnd = Channel<FromIndexer, ToIndexer>;
