import type { Batch } from "#collectors/batch.ts";
import { openDeriver, type Deriver } from "#collectors/derive/derive.ts";
import { GeoDeriver } from "#collectors/derive/geo-deriver.ts";
import type { DeriveRules } from "#collectors/derive/request-pattern.ts";
import type { RouteLearner } from "#collectors/derive/route-learner.ts";
import { UserAgentDeriver } from "#collectors/derive/user-agent-deriver.ts";
import { BatchRedactor } from "#collectors/redaction/batch-redactor.ts";
import type { SourceId } from "#collectors/source.ts";
import { UserAgentParser } from "#collectors/user-agents/user-agent-parser.ts";

import { BatchHasher } from "./batch-hasher.ts";
import { type DroppedByRule, EventDropper } from "./event-dropper.ts";
import { type Processing, redactionRules } from "./processing.ts";
import type { Salt } from "./salt.ts";

const NOTHING_DROPPED: ReadonlyMap<SourceId, DroppedByRule> = new Map();

export type ProcessorDeps = {
  rules: DeriveRules;
  /** Absent: nothing is configured. */
  processing?: Processing | undefined;
  /** Required for rules that hash. */
  salt?: Salt | undefined;
  /** Absent: routes are not learnt. */
  learner?: RouteLearner | undefined;
};

/**
 * What happens to rows before they are folded, seen by anybody, and stored: fields are derived, rows are dropped, ids are hashed,
 * secrets are redacted. A step that is not configured does not exist.
 */
export class BatchProcessor {
  readonly #batch: Batch;
  readonly #deriver: Deriver;
  readonly #userAgents: UserAgentDeriver | undefined;
  readonly #geo: GeoDeriver | undefined;
  readonly #hasher: BatchHasher | undefined;
  readonly #dropper: EventDropper | undefined;
  readonly #redactor: BatchRedactor | undefined;

  /** @throws AppError bad_request if a file of the configuration cannot be read */
  constructor(batch: Batch, { rules, processing, salt, learner }: ProcessorDeps) {
    this.#batch = batch;
    this.#deriver = openDeriver(batch, rules, learner);
    if (!processing) return;
    const { drop, sample, redact, hash, userAgents, geo } = processing;
    if (userAgents) this.#userAgents = new UserAgentDeriver(batch, new UserAgentParser());
    if (geo.country !== undefined || geo.asn !== undefined) this.#geo = new GeoDeriver(batch, geo);
    if (hash.length > 0 && salt) this.#hasher = new BatchHasher(batch, processing, salt);
    if (drop.length + sample.length > 0) this.#dropper = new EventDropper(batch, processing);
    if (redact.length > 0) this.#redactor = new BatchRedactor(batch, redactionRules(processing));
  }

  /** Processes the rows from this one on, each once. Fewer rows may be left. */
  process(fromRow: number): void {
    this.#deriver.derive(fromRow, this.#batch.rows);
    this.#userAgents?.derive(fromRow, this.#batch.rows);
    this.#geo?.derive(fromRow, this.#batch.rows);
    this.#dropper?.drop(fromRow);
    this.#hasher?.hash(fromRow, this.#batch.rows);
    this.#redactor?.redact(fromRow, this.#batch.rows);
  }

  /** The numbers of events that rules dropped since the last call. */
  takeDropped(): ReadonlyMap<SourceId, DroppedByRule> {
    return this.#dropper?.takeDropped() ?? NOTHING_DROPPED;
  }

  /** How many secrets were redacted, by kind and dataset. */
  get redacted(): Readonly<Record<string, number>> {
    return this.#redactor?.counts ?? {};
  }

  /** To be called before the batch is stored: overwrites values that no row may have any longer. */
  erase(): void {
    this.#redactor?.erase();
    if (this.#dropper?.hasDropped || this.#hasher?.hasHashed) this.#batch.eraseUnused();
  }

  /** To be called after the batch was reset. */
  reset(): void {
    this.#deriver.reset();
    this.#userAgents?.reset();
    this.#geo?.reset();
    this.#hasher?.reset();
    this.#dropper?.reset();
    this.#redactor?.reset();
  }
}
