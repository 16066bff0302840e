import { hash } from "node:crypto";

import type { RecordHeader } from "#collectors/source.ts";
import type { BusProducer } from "#pipeline/bus/port.ts";
import { AppError } from "#platform/errors.ts";
import { Slices } from "#platform/slices.ts";

import type { Activity } from "../activity/activity.ts";
import type { Packer } from "../packing/packer.ts";
import type { PushToken } from "../tokens/push-token.ts";
import { type Fields, namedDataset, type Refusal, streamOf } from "./document.ts";
import { type Group, recordsOfAll, shownLines } from "./group.ts";
import { type Identities, type Identity, type Keeping, withIdentity } from "./identities.ts";
import type { EventRates } from "./rate.ts";
import { RequestSize } from "./request-size.ts";
import { placeEvent } from "./token-scope.ts";

export type DeliveryDeps = {
  bus: BusProducer;
  activity: Activity;
  rates: EventRates;
  identities: Identities;
  packer: Packer;
};

/** Who delivers what: by which protocol (`elasticsearch`), with which token, from where, and when (epoch ms). */
export type From = {
  protocol: string;
  token: PushToken;
  address: string;
  nowMs: number;
  body: Buffer;
};

/** How the sender named the events: the stream and the dataset, and the dataset that follows from other names. */
export type Names = {
  stream: string;
  dataset?: string | undefined;
  unread?: string | undefined;
  /**
   * By which key a document that is sent again is recognised, among those of the token with the same `group`; and the id that
   * the sender gave to it.
   */
  identity?: { group: string; key: string; id?: string } | undefined;
};

/** `repeated`: the document was received before, and is kept once. */
type Added = Refusal | "repeated" | undefined;

/** Where documents of one stream and dataset are added together, with a line end after each, or packed. */
export type DocumentGroup = Pick<Group, "lines" | "blocks" | "events" | "bytes">;

const LF = Buffer.from("\n");
/** The beginning and the end of a body, where the times of its events tell it from others, are hashed more strongly than the rest. */
const END_BYTES = 4_096;
/** Streams in a request: each has a record with a header of some hundred bytes. */
const STREAMS_MAX = 10_000;
const RETRY_MS = 1_000;

/**
 * The events of one request: they are on disk when `send` resolves, all of them or none. Those of a stream keep their
 * order.
 */
export class Delivery implements Disposable {
  readonly #deps: DeliveryDeps;
  readonly #from: From;
  readonly #groups = new Map<string, Group>();
  readonly #kept = Promise.withResolvers<void>();
  readonly #keeping: Keeping;
  readonly #waits = new Set<Promise<void>>();
  /** Whether all of it is on disk. */
  isSent = false;
  #request: Identity | undefined;
  /** Whether each event has its own time and none an identity: then equal requests are one that is sent again. */
  #hasOnlyTimes = true;
  #refused = 0;
  readonly #size = new RequestSize();
  #lastRefusal: Refusal | undefined;

  constructor(deps: DeliveryDeps, from: From) {
    this.#deps = deps;
    this.#from = from;
    this.#keeping = deps.identities.begin(this.#kept.promise);
  }

  /** To be called after `send` or a failure. Requests that wait for the documents of a failed one fail too, so that they are sent again. */
  [Symbol.dispose](): void {
    const message = "Events of this request are in another one, which failed: send it again.";
    this.#kept.reject(new AppError("unavailable", message, { waitMs: RETRY_MS }));
  }

  /**
   * For requests with an id, of whose events none has an identity of its own: whether this one was received before. Then its
   * events must not be added; `send` waits until those of the first one are kept.
   */
  isRepeatedRequest({ group, key }: { group: string; key: string }): boolean {
    this.#request = { scope: `${this.#from.token.id} ${group}`, key };
    return this.#isRepeated(this.#request);
  }

  /**
   * Adds an ECS document, whose message may be a log line. `line`: its JSON, without a line end.
   * @throws AppError too_large if the request has too many, or they are too large
   */
  addDocument(line: Uint8Array, fields: Fields, names: Names): Added {
    this.countDocuments(1, line.length);
    const { token } = this.#from;
    const placed = this.#placeDocument(fields, names);
    if ("code" in placed) return this.refuse(placed);
    const { identity } = names;
    this.#hasOnlyTimes &&= identity === undefined && fields["@timestamp"] !== undefined;
    const scope = identity && `${token.id} ${identity.group}`;
    if (scope && this.#isRepeated({ scope, key: identity.key })) return "repeated";
    const { stream, header } = placed;
    const group = this.#group(stream, { ...header, ...(scope && { identities: scope }) });
    group.lines.push(identity ? withIdentity(line, identity) : line, LF);
    group.bytes += line.length + LF.length;
    group.events += 1;
    return undefined;
  }

  /**
   * Where packed documents with these fields besides their message and time are to be added; a refusal, which is not counted, if the
   * token may not write there.
   */
  packedGroup(fields: Fields, names: Names): DocumentGroup | Refusal {
    const placed = this.#placeDocument(fields, names);
    if ("code" in placed) return placed;
    // Those of a group have the same members.
    this.#hasOnlyTimes &&= fields["@timestamp"] !== undefined;
    return this.#group(placed.stream, placed.header);
  }

  /** Where documents with these fields besides a time and a message of their own are to be added; a refusal, which is not counted. */
  documentGroup(fields: Fields, names: Names): DocumentGroup | Refusal {
    const placed = this.#placeDocument(fields, names);
    return "code" in placed ? placed : this.#group(placed.stream, placed.header);
  }

  #placeDocument(
    fields: Fields,
    names: Names,
  ): Refusal | { stream: string; header: Omit<RecordHeader, "stream"> } {
    const { token, nowMs } = this.#from;
    const named = namedDataset(fields) ?? names.dataset;
    const placed = placeEvent(token, { named, unread: names.unread });
    if (!placed.ok) return placed.refusal;
    const { dataset, unread } = placed;
    const header = {
      format: "ecs",
      fields: {},
      message: "line",
      receivedMs: nowMs,
      ...(dataset !== undefined && { dataset }),
      ...(unread !== undefined && { unreadDataset: unread }),
    } as const;
    return { stream: `${names.stream} ${streamOf(fields)}`.trim(), header };
  }

  /**
   * Adds lines of any log, whose format is detected. `text`: with line ends, at least between them. `fields`: ECS fields of
   * all events.
   */
  addLines(
    {
      text,
      count,
      fields = {},
    }: { text: Uint8Array; count: number; fields?: RecordHeader["fields"] },
    names: Names,
  ): Refusal | undefined {
    const placed = placeEvent(this.#from.token, { named: names.dataset, unread: names.unread });
    if (!placed.ok) return this.refuse(placed.refusal);
    this.#hasOnlyTimes = false;
    const { dataset } = placed;
    const header = {
      fields,
      ...(dataset !== undefined && { dataset }),
      ...(this.#request && { identities: this.#request.scope, identity: this.#request.key }),
    };
    const group = this.#group(names.stream, header);
    group.lines.push(text);
    if (text.at(-1) !== LF[0]) group.lines.push(LF);
    group.bytes += text.length;
    group.events += count;
    return undefined;
  }

  #isRepeated(identity: Identity): boolean {
    const repeated = this.#deps.identities.take(identity, this.#keeping);
    if (repeated?.kept) this.#waits.add(repeated.kept);
    return repeated !== undefined;
  }

  /** Counts an event that the sender has to correct. @throws AppError too_large */
  refuse(refusal: Refusal): Refusal {
    this.countDocuments(1);
    this.#refused += 1;
    this.#lastRefusal = refusal;
    return refusal;
  }

  /** To be called for documents that are added to a group. @throws AppError too_large */
  countDocuments(count: number, bytes = 0): void {
    this.#size.add(count, bytes);
  }

  /** Throws the reason for the last refused event, of protocols that cannot refuse single ones. @throws AppError */
  requireAll(): void {
    if (!this.#lastRefusal) return;
    const { activity } = this.#deps;
    activity.refused(this.#about(""), this.#refused, this.#lastRefusal.message);
    const { code, message } = this.#lastRefusal;
    throw new AppError(code === "forbidden" ? "forbidden" : "bad_request", message);
  }

  /** @throws AppError unavailable if the events cannot be kept, too_many_requests if too many are waiting */
  async send(): Promise<void> {
    const { activity, rates } = this.#deps;
    // A repeated document is acknowledged when it is kept, which may still fail.
    const results = await Promise.allSettled([this.#append(), ...this.#waits]);
    // Only now is it known which events are kept: their identities must not be forgotten because another request failed.
    const failed = results.find((it) => it.status === "rejected");
    if (failed) throw failed.reason;
    this.isSent = true;
    let events = 0;
    const slices = new Slices();
    for (const [name, group] of this.#groups) {
      if (slices.isOver) await slices.pause();
      events += group.events;
      activity.received(this.#about(name), { ...group, lines: shownLines(group) });
    }
    rates.count(this.#from.token, events);
    if (this.#lastRefusal) {
      activity.refused(this.#about(""), this.#refused, this.#lastRefusal.message);
    }
  }

  async #append(): Promise<void> {
    const { bus, identities, packer } = this.#deps;
    if (this.#groups.size === 0) return;
    const request = this.#requestKey();
    const repeated = request && identities.findRequest(request, this.#from.nowMs);
    if (repeated) {
      this.#groups.clear();
      await repeated.kept;
      return;
    }
    if (request) identities.keepRequest(request, this.#kept.promise);
    const key = `${this.#from.token.id} ${this.#from.protocol} documents`;
    const packing = () => ({ packer, table: packer.tableOf(key) });
    const records = await recordsOfAll(this.#groups.values(), request, packing);
    this.#kept.resolve(bus.append(...records));
    await this.#kept.promise;
  }

  /** By which the request is recognised when it is sent again; empty if equal requests may be different ones. */
  #requestKey(): string {
    if (!this.#hasOnlyTimes) return "";
    const { protocol, token, address, body } = this.#from;
    const { packer } = this.#deps;
    const hashed = [packer.checksum(body), body.subarray(0, END_BYTES), body.subarray(-END_BYTES)];
    const sum = `${body.length} ${hash("sha256", Buffer.concat(hashed), "base64url")}`;
    return `${token.id} ${protocol} ${address} ${sum}`;
  }

  #about(key: string): { protocol: string; token: PushToken; stream: string; nowMs: number } {
    const { protocol, token, nowMs } = this.#from;
    return { protocol, token, stream: this.#groups.get(key)?.header.stream ?? "", nowMs };
  }

  #group(stream: string, header: Omit<RecordHeader, "stream">): Group {
    const key = `${stream}\n${header.dataset ?? ""}\n${header.unreadDataset ?? ""}\n${header.identities ?? ""}`;
    let group = this.#groups.get(key);
    if (!group) {
      if (this.#groups.size >= STREAMS_MAX) {
        const message = `The request has events of more than ${STREAMS_MAX} streams: send them in several requests.`;
        throw new AppError("too_large", message);
      }
      const { token, protocol } = this.#from;
      const name = `${token.id} ${protocol} ${stream}`.trim();
      const source = `token/${token.name}`;
      group = {
        header: { ...header, stream: name, source },
        lines: [],
        blocks: [],
        events: 0,
        bytes: 0,
      };
      this.#groups.set(key, group);
    }
    return group;
  }
}
