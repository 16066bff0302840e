import { isIP } from "node:net";

import type { Batch } from "../batch.ts";
import type { DatasetTraits } from "../format.ts";
import { findFormat } from "../formats/index.ts";
import type { TextColumn } from "../text-column.ts";
import { IdMap } from "./id-map.ts";
import type { DeriveRules } from "./request-pattern.ts";
import type { RouteLearner } from "./route-learner.ts";
import { SignActions } from "./sign-actions.ts";
import { UrlDeriver } from "./url-deriver.ts";

const DOT = 0x2e;
const DIGIT_0 = 0x30;
const NO_DIGIT = -1;

export type Deriver = {
  /**
   * Fills the derived fields of rows [fromRow, toRow): url.path and other URL parts, http.route, source.ip,
   * event.outcome, event.kind, category and type, event.action. Existing values are kept.
   */
  derive(fromRow: number, toRow: number): void;
  /** To be called after the batch was reset. */
  reset(): void;
};

/** Values are derived once for each distinct value; a pass over the rows then copies dictionary numbers. */
export function openDeriver(batch: Batch, rules: DeriveRules, learner?: RouteLearner): Deriver {
  const urls = new UrlDeriver(batch, learner);
  const addresses = new AddressDeriver(batch);
  const constants = new ConstantsDeriver(batch);
  const actions = new SignActions(batch, rules);
  return {
    derive(fromRow, toRow) {
      urls.derive(fromRow, toRow);
      addresses.derive(fromRow, toRow);
      constants.derive(fromRow, toRow);
      actions.derive(fromRow, toRow);
    },
    reset() {
      urls.reset();
      addresses.reset();
      constants.reset();
      actions.reset();
    },
  };
}

const IP_BYTES_MAX = 45;

/** source.ip from source.address, if that is an IP address. */
class AddressDeriver {
  readonly #addresses: TextColumn;
  readonly #ips: TextColumn;
  readonly #ipOf = new IdMap();
  #areAllIps = true;

  constructor(batch: Batch) {
    this.#addresses = batch.text("source.address");
    this.#ips = batch.text("source.ip");
  }

  derive(fromRow: number, toRow: number): void {
    const { size, dictionary } = this.#addresses;
    const known = this.#ipOf.grow(size);
    const { ids } = this.#ipOf;
    let id = known + 1;
    if (this.#areAllIps && this.#ips.size === known) {
      // The columns have the same values: a new one of the addresses is new in both.
      for (; id <= size && this.#isIp(id); id += 1) ids[id] = id;
      this.#ips.append(dictionary, known + 1, id - 1);
    }
    for (; id <= size; id += 1) {
      if (!this.#isIp(id)) this.#areAllIps = false;
      else
        ids[id] = this.#ips.intern(
          dictionary.bytes,
          dictionary.ends[id - 1]!,
          dictionary.ends[id]!,
        );
    }
    this.#ipOf.copy(this.#addresses.ids, this.#ips.ids, fromRow, toRow);
  }

  #isIp(id: number): boolean {
    const { bytes, ends } = this.#addresses.dictionary;
    const start = ends[id - 1]!;
    const end = ends[id]!;
    if (isUsualIp4(bytes, start, end)) return true;
    return end - start <= IP_BYTES_MAX && isIP(this.#addresses.text(id)) !== 0;
  }

  reset(): void {
    this.#ipOf.reset();
    this.#areAllIps = true;
  }
}

/** Whether the bytes are four decimal numbers up to 255: most addresses are, and need no string to be examined. */
function isUsualIp4(bytes: Uint8Array, start: number, end: number): boolean {
  let dots = 0;
  let value = NO_DIGIT;
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i]!;
    if (byte === DOT) {
      if (value === NO_DIGIT) return false;
      dots += 1;
      value = NO_DIGIT;
      continue;
    }
    const digit = byte - DIGIT_0;
    // After a leading zero nothing may follow.
    if (digit < 0 || digit > 9 || value === 0) return false;
    value = value === NO_DIGIT ? digit : value * 10 + digit;
    if (value > 255) return false;
  }
  return dots === 3 && value !== NO_DIGIT;
}

const CONSTANTS = ["event.kind", "event.category", "event.type"] as const;
const UNKNOWN_OUTCOME = 0;

/** The traits of a dataset, and the outcome that follows from a status. */
class ConstantsDeriver {
  readonly #batch: Batch;
  readonly #datasets: TextColumn;
  readonly #outcomes: TextColumn;
  readonly #traits: (DatasetTraits | undefined)[] = [undefined];
  readonly #maps: { field: (typeof CONSTANTS)[number]; map: IdMap }[];
  #success = UNKNOWN_OUTCOME;
  #failure = UNKNOWN_OUTCOME;

  constructor(batch: Batch) {
    this.#batch = batch;
    this.#datasets = batch.text("data_stream.dataset");
    this.#outcomes = batch.text("event.outcome");
    this.#maps = CONSTANTS.map((field) => ({ field, map: new IdMap() }));
  }

  derive(fromRow: number, toRow: number): void {
    this.#learn();
    for (const { field, map } of this.#maps) {
      map.copy(this.#datasets.ids, this.#batch.text(field).ids, fromRow, toRow);
    }
    this.#putOutcomes(fromRow, toRow);
    if (this.#traits.some((traits) => traits?.levelDecidesType)) this.#putTypes(fromRow, toRow);
    if (this.#traits.some((traits) => traits?.namesClients)) this.#putDomains(fromRow, toRow);
  }

  #learn(): void {
    const size = this.#datasets.size;
    for (let id = this.#traits.length; id <= size; id += 1) {
      const traits = findFormat(this.#datasets.text(id))?.traits;
      this.#traits[id] = traits;
      for (const { field, map } of this.#maps) {
        map.grow(id);
        const value = traits?.[field];
        if (value !== undefined) map.ids[id] = this.#batch.text(field).internText(value);
      }
    }
    if (this.#success === UNKNOWN_OUTCOME) {
      this.#success = this.#outcomes.internText("success");
      this.#failure = this.#outcomes.internText("failure");
    }
  }

  #putOutcomes(fromRow: number, toRow: number): void {
    const statuses = this.#batch.number("http.response.status_code").values;
    const { ids } = this.#outcomes;
    for (let row = fromRow; row < toRow; row += 1) {
      const status = statuses[row]!;
      if (status > 0 && ids[row] === 0) ids[row] = status < 400 ? this.#success : this.#failure;
    }
  }

  /** In error logs, levels above notice have the type error. */
  #putTypes(fromRow: number, toRow: number): void {
    const types = this.#batch.text("event.type");
    const levels = this.#batch.text("log.level");
    const errorId = types.internText("error");
    const infoId = types.internText("info");
    for (let row = fromRow; row < toRow; row += 1) {
      const level = levels.ids[row]!;
      if (
        types.ids[row] !== 0 ||
        level === 0 ||
        !this.#traits[this.#datasets.ids[row]!]?.levelDecidesType
      )
        continue;
      types.ids[row] = /^(?:emerg|alert|crit|error|warn)/.test(levels.text(level))
        ? errorId
        : infoId;
    }
  }

  /** Apache may log the client's host name instead of its address. */
  #putDomains(fromRow: number, toRow: number): void {
    const ips = this.#batch.text("source.ip").ids;
    const addresses = this.#batch.text("source.address");
    const domains = this.#batch.text("source.domain");
    for (let row = fromRow; row < toRow; row += 1) {
      const address = addresses.ids[row]!;
      if (address === 0 || ips[row] !== 0 || domains.ids[row] !== 0) continue;
      if (!this.#traits[this.#datasets.ids[row]!]?.namesClients) continue;
      domains.putText(row, addresses.text(address));
    }
  }

  reset(): void {
    this.#traits.length = 1;
    this.#success = UNKNOWN_OUTCOME;
    for (const { map } of this.#maps) map.reset();
  }
}
