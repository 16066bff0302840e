import type { SourceStatus } from "#collectors/source.ts";

import { type ObjectRef, objectUrl } from "./object-ref.ts";

/** Refused and forbidden objects and messages that the status describes: the latest ones. */
const DESCRIBED_MAX = 3;
const KEY_CHARACTERS_MAX = 200;

/** What was read of S3 since the start, and what could not be. */
export class S3Counts {
  readonly #path: string;
  /** Objects that were read to their end. */
  read = 0;
  /** Messages of the queue that had logs themselves. */
  messages = 0;
  /** Announcements of objects that had been read before. */
  repeated = 0;
  /** Objects that were deleted before they were read. */
  gone = 0;
  #refused = 0;
  readonly #refusals: string[] = [];
  #forbidden = new Map<string, string>();
  /** Why the queue cannot be used at present. */
  queueProblem: string | undefined;
  /** Messages that wait in the queue, about; undefined if it is not known. */
  waiting: number | undefined;

  /** `path` names the bucket or queue. */
  constructor(path: string) {
    this.#path = path;
  }

  refuse(what: string, reason: string): void {
    this.#refused += 1;
    this.#refusals.push(`${what.slice(0, KEY_CHARACTERS_MAX)} ${reason}`);
    if (this.#refusals.length > DESCRIBED_MAX) this.#refusals.shift();
  }

  /** Access to the object is denied: it is tried again. */
  forbid(ref: ObjectRef, reason: string): void {
    this.#forbidden.set(objectUrl(ref), reason);
    const [oldest] = this.#forbidden.keys();
    if (this.#forbidden.size > DESCRIBED_MAX && oldest !== undefined)
      this.#forbidden.delete(oldest);
  }

  allow(ref: ObjectRef): void {
    this.#forbidden.delete(objectUrl(ref));
  }

  status(): SourceStatus[] {
    const forbidden = [...this.#forbidden].map(
      ([url, reason]) => `${url.slice(0, KEY_CHARACTERS_MAX)} ${reason}`,
    );
    const problems = [
      ...(this.queueProblem === undefined ? [] : [this.queueProblem]),
      ...forbidden,
      ...(this.#refused === 0
        ? []
        : [
            `${amount(this.#refused, "was refused", "were refused")}: ${this.#refusals.join(", ")}`,
          ]),
    ];
    const facts = [
      `is read: ${amount(this.read, "object", "objects")}`,
      ...(this.messages > 0 ? [amount(this.messages, "message", "messages")] : []),
      ...(this.repeated > 0 ? [amount(this.repeated, "repetition", "repetitions")] : []),
      ...(this.gone > 0 ? [`${this.gone} deleted before they were read`] : []),
    ];
    const message = [facts.join(", "), ...problems].join("; ");
    const level = problems.length > 0 ? "warning" : "info";
    const total = this.waiting === undefined ? undefined : this.read + this.waiting;
    const progress = {
      read: this.read,
      unit: "objects" as const,
      ...(total !== undefined && { total }),
    };
    const reason = problems.join("; ");
    return [{ path: this.#path, message, level, progress, ...(reason !== "" && { reason }) }];
  }
}

const amount = (count: number, one: string, many: string): string =>
  `${count} ${count === 1 ? one : many}`;
