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
   * How old the oldest row may get before the segment is sealed, and how often rows are folded into frames. The first
   * segments of a run are sealed sooner, so that what was there already is seen at once.
   */
  sealAfterMs: number;
  foldEveryMs: number;
  /** The frames that changed. Absent for a history that nobody watches. */
  onFrames?: (deltas: FrameDelta[]) => void;
  /** Rows that are complete, before they are sealed; the batch may be read only during the call. */
  onRows?: (batch: Batch, fromRow: number, toRow: number) => void;
  onProgress?: (counts: IngestCounts) => void;
  /** Rows became durable. */
  onSealed?: (sealed: { rows: number; newestEventMs: number | undefined }) => void;
  /** The store refused: nothing is lost, reading waits and tries again. Absent: the error ends the run. */
  onStoreError?: (error: unknown, retryInMs: number) => void;
};
