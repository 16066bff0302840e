import type { Batch } from "#collectors/batch.ts";
import { openDeriver, type Deriver } from "#collectors/derive/derive.ts";
import type { DeriveRules } from "#collectors/derive/request-pattern.ts";
import { BatchRedactor } from "#collectors/redaction/batch-redactor.ts";
import type { SourceId } from "#collectors/source.ts";

import { type DroppedByRule, EventDropper } from "./event-dropper.ts";
import { type Processing, redactionRules } from "./processing.ts";

const NOTHING_DROPPED: ReadonlyMap<SourceId, DroppedByRule> = new Map();

/**
 * What happens to rows before they are folded, seen by anybody, and stored: fields are derived, rows are dropped, secrets are
 * redacted. A step that is not configured does not exist.
 */
export class BatchProcessor {
  readonly #batch: Batch;
  readonly #deriver: Deriver;
  readonly #dropper: EventDropper | undefined;
  readonly #redactor: BatchRedactor | undefined;

  constructor(batch: Batch, rules: DeriveRules, processing: Processing | undefined) {
    this.#batch = batch;
    this.#deriver = openDeriver(batch, rules);
    if (!processing) return;
    const { drop, sample, redact } = processing;
    if (drop.length + sample.length > 0) this.#dropper = new EventDropper(batch, processing);
    if (redact.length > 0) this.#redactor = new BatchRedactor(batch, redactionRules(processing));
  }

  /** Processes the rows from this one on, each once. Fewer rows may be left. */
  process(fromRow: number): void {
    this.#deriver.derive(fromRow, this.#batch.rows);
    this.#dropper?.drop(fromRow);
    this.#redactor?.redact(fromRow, this.#batch.rows);
  }

  /** The numbers of events that rules dropped since the last call. */
  takeDropped(): ReadonlyMap<SourceId, DroppedByRule> {
    return this.#dropper?.takeDropped() ?? NOTHING_DROPPED;
  }

  /** To be called before the batch is stored: overwrites values that no row may have any longer. */
  erase(): void {
    this.#redactor?.erase();
    if (this.#dropper?.hasDropped) this.#batch.eraseUnused();
  }

  /** To be called after the batch was reset. */
  reset(): void {
    this.#deriver.reset();
    this.#dropper?.reset();
    this.#redactor?.reset();
  }
}
