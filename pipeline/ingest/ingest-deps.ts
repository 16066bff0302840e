import type { Batch } from "#collectors/batch.ts";
import type { DeriveRules } from "#collectors/derive/request-pattern.ts";
import type { Zone } from "#collectors/zone.ts";
import type { Clock } from "#platform/clock.ts";

import type { FrameDelta } from "../live/live-part.ts";
import type { EventWriter, PositionReader } from "../store/port.ts";

export type IngestCounts = {
  lines: number;
  events: number;
  quarantined: number;
  bytes: number;
  /** Bytes of overlong lines that were not kept. */
  bytesSkipped: number;
};

export type IngestDeps = {
  store: EventWriter & PositionReader;
  clock: Clock;
  rules: DeriveRules;
  /** The zone of times in logs that carry none. */
  zone: Zone;
  /**
   * How old the oldest row may get before the batch is stored, and how often rows are folded into frames. The first
   * batches of a run are stored sooner, so that existing lines are visible at once.
   */
  sealAfterMs: number;
  foldEveryMs: number;
  /** The frames that changed. Absent: none are made. */
  onFrames?: (deltas: FrameDelta[]) => void;
  /** Rows that are complete, before they are stored; the batch may be read only during the call. */
  onRows?: (batch: Batch, fromRow: number, toRow: number) => void;
  onProgress?: (counts: IngestCounts) => void;
  /** Rows were stored. */
  onSealed?: (sealed: { rows: number; newestEventMs: number | undefined }) => void;
  /** The store failed: nothing is lost, reading waits and storing is retried. Absent: the error ends the run. */
  onStoreError?: (error: unknown, retryInMs: number) => void;
};
