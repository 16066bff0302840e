import type { Batch } from "#collectors/batch.ts";
import type { DeriveRules } from "#collectors/derive/request-pattern.ts";
import type { RouteLearner } from "#collectors/derive/route-learner.ts";
import type { UnitOfField } from "#collectors/duration-rules.ts";
import type { Zone } from "#collectors/zone.ts";
import type { Clock } from "#platform/clock.ts";

import type { FrameDelta } from "../live/live-part.ts";
import type { Processing } from "../processing/processing.ts";
import type { Salt } from "../processing/salt.ts";
import type { EventReader, EventWriter, PositionReader } from "../store/port.ts";

/** Rows became durable; `historyRows` of them are not recent, so that live frames do not show them. */
export type Sealed = { rows: number; historyRows: number };

export type IngestCounts = {
  lines: number;
  events: number;
  quarantined: number;
  /** Dropped by rules. */
  dropped: number;
  droppedByRule: Record<string, number>;
  bytes: number;
  /** Discarded bytes of overlong lines. */
  bytesSkipped: number;
};

export type IngestDeps = {
  store: EventWriter & PositionReader & Pick<EventReader, "extents">;
  clock: Clock;
  rules: DeriveRules;
  /** Time zone of log times without a zone. */
  zone: Zone;
  /** The unit that a setting fixes for a field of a source. Absent: units are guessed. */
  unitOf?: UnitOfField;
  /** What happens to events before they are stored. Absent: nothing. */
  processing?: Processing | undefined;
  /** Required for rules that hash. */
  salt?: Salt | undefined;
  /** Absent: routes are not learnt. */
  learner?: RouteLearner | undefined;
  /**
   * Maximum age of a row before the batch is stored, and interval of folding rows into frames. The first
   * batches of a run are stored sooner, so that existing lines are visible quickly.
   */
  sealAfterMs: number;
  foldEveryMs: number;
  /** Receives the changed frames. Absent: no frames are computed. */
  onFrames?: (deltas: FrameDelta[]) => void;
  /** Called with complete rows before they are stored; the batch may only be read during the call. */
  onRows?: (batch: Batch, fromRow: number, toRow: number) => void;
  onProgress?: (counts: IngestCounts) => void;
  /** Called when rows were stored. */
  onSealed?: (sealed: Sealed) => void;
  /**
   * Called when storing failed: no rows are lost, reading pauses and storing is retried. Absent: the error ends the
   * run.
   */
  onStoreError?: (error: unknown, retryInMs: number) => void;
};
