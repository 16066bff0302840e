import type { SourceStatus } from "#collectors/source.ts";
import type { Filter } from "#pipeline/filter.ts";
import type { IngestCounts } from "#pipeline/ingest/ingest-deps.ts";
import type { FrameDelta } from "#pipeline/live/frames.ts";
import type { EventDocument } from "#pipeline/store/port.ts";

/** What the indexer thread is started with. */
export type IndexerTask = {
  storeFolder: string;
  locksFolder: string;
  paths: string[];
  /** The bus, whose events belong to the store of the boards; a replay takes none. */
  busUrl?: string;
  /** Request patterns as text: what is made of them cannot pass between threads. */
  signIn: string[];
  signOut: string[];
  /** Name of the zone of times in logs that carry none. */
  timezone: string;
  /** Play this one file as if it were now, instead of tailing the paths. */
  replay?: { path: string; speed: number };
};

export type TailRequest = { id: string; filter: Filter };

export type ToIndexer = { type: "tails"; tails: TailRequest[] } | { type: "stop" };

export type FromIndexer =
  | { type: "frames"; deltas: FrameDelta[] }
  | { type: "tail"; id: string; events: EventDocument[]; skipped: number }
  | { type: "status"; counts: IngestCounts; sources: SourceStatus[]; storeError: string | null }
  | { type: "sealed"; rows: number; newestEventMs: number | undefined }
  | { type: "stopped"; error: string | null };
