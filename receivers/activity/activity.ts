import type { Clock } from "#platform/clock.ts";

import type { PushToken } from "../tokens/push-token.ts";

/** What was received of one stream: all events with one token, by one protocol, under one name. */
export type StreamActivity = {
  protocol: string;
  /** The listener, as events name it; empty for protocols with tokens. */
  source: string;
  /** Empty for protocols without tokens. */
  tokenId: string;
  tokenName: string;
  /** The name that the sender gave to the stream; empty if it gave none. */
  stream: string;
  events: number;
  bytes: number;
  refused: number;
  /** Why the last refused event was refused; empty if none was. */
  refusal: string;
  /** Events that arrived and could not be kept, such as datagrams while the disk is full. */
  dropped: number;
  firstMs: number;
  lastMs: number;
  /** The beginning of the last line. */
  lastLine: string;
};

type About = {
  protocol: string;
  /** What the events of a listener name as their source. */
  source?: string;
  /** Undefined for protocols without tokens. */
  token?: Pick<PushToken, "id" | "name"> | undefined;
  stream: string;
};

/** Streams that are remembered; the one that was quiet for the longest time is forgotten first. */
const STREAMS_MAX = 1_000;
const LINE_CHARACTERS_MAX = 2_000;
/** More is redacted than is shown, so that no part of a secret is shown because its end is missing. */
const LINE_BYTES_MAX = 2 * LINE_CHARACTERS_MAX;
const LF = 0x0a;

/** Counts what receivers got, by stream, in bounded memory. */
export class Activity {
  readonly #clock: Clock;
  readonly #redact: (text: string) => string;
  readonly #streams = new Map<string, StreamActivity>();

  /** `redact` replaces the secrets in texts of senders. */
  constructor(clock: Clock, redact: (text: string) => string) {
    this.#clock = clock;
    this.#redact = redact;
  }

  /** To be called after the events were kept. `lines`: with a line end after each. */
  received(
    about: About,
    { events, bytes, lines }: { events: number; bytes: number; lines: readonly Uint8Array[] },
  ): void {
    const stream = this.#of(about);
    stream.events += events;
    stream.bytes += bytes;
    stream.lastLine = this.#redact(lastLineOf(lines)).slice(0, LINE_CHARACTERS_MAX);
  }

  /** Events that the sender has to correct, and why the last one was refused. */
  refused(about: About, events: number, reason: string): void {
    const stream = this.#of(about);
    stream.refused += events;
    stream.refusal = this.#redact(reason);
  }

  /** Events that are lost, because their protocol cannot make the sender wait. */
  dropped(about: About, events: number): void {
    this.#of(about).dropped += events;
  }

  /** The streams, those that were active last at the end. */
  get streams(): readonly StreamActivity[] {
    return [...this.#streams.values()];
  }

  #of({ protocol, source = "", token, stream }: About): StreamActivity {
    const key = `${protocol}\n${source}\n${token?.id ?? ""}\n${stream}`;
    const nowMs = this.#clock.nowMs();
    const known = this.#streams.get(key) ?? {
      protocol,
      source,
      tokenId: token?.id ?? "",
      tokenName: token?.name ?? "",
      stream,
      events: 0,
      bytes: 0,
      refused: 0,
      refusal: "",
      dropped: 0,
      firstMs: nowMs,
      lastMs: nowMs,
      lastLine: "",
    };
    known.lastMs = nowMs;
    this.#streams.delete(key);
    this.#streams.set(key, known);
    const [oldest] = this.#streams.keys();
    if (this.#streams.size > STREAMS_MAX && oldest !== undefined) this.#streams.delete(oldest);
    return known;
  }
}

/** The beginning of the last line: a copy, so that the request it came with is not kept in memory. */
function lastLineOf(parts: readonly Uint8Array[]): string {
  const part = parts.findLast((it) => it.length > 1 || (it.length === 1 && it[0] !== LF));
  if (!part) return "";
  const end = part.at(-1) === LF ? part.length - 1 : part.length;
  const start = end === 0 ? 0 : part.lastIndexOf(LF, end - 1) + 1;
  return Buffer.from(part.subarray(start, Math.min(end, start + LINE_BYTES_MAX))).toString();
}
