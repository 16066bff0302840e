import type { BusProducer } from "#pipeline/bus/port.ts";
import type { Clock } from "#platform/clock.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";

import { SNS_DATASET } from "./sns-events.ts";

/** Why a message is refused. */
export type Fault =
  | "malformed"
  | "topic"
  | "time"
  | "subscribe_url"
  | "certificate_url"
  | "certificate"
  | "signature";

export type Refusal = { fault: Fault; reason: string };

/** What the sender of a refused message stated about it; anybody may state anything. */
type About = {
  address: string;
  /** The configured source whose topic the message names. */
  source?: string | undefined;
  body: string;
  message?: {
    TopicArn: string;
    MessageId: string;
    SigningCertURL: string;
    SubscribeURL?: string;
  };
};

/** Events for each fault: anybody may send messages without end. The others are counted in the next event. */
const EVENTS = { burst: 10, refillMs: 60_000, keysMax: 100 };
const TEXT_CHARACTERS_MAX = 2_000;

/** Refused messages as events, for rules that alert. */
export class RefusalEvents {
  readonly #bus: Pick<BusProducer, "append">;
  readonly #clock: Clock;
  readonly #limit;
  /** Refused messages without an event, since the last event of their fault. */
  readonly #others = new Map<Fault, number>();

  constructor(bus: Pick<BusProducer, "append">, clock: Clock) {
    this.#bus = bus;
    this.#clock = clock;
    this.#limit = createRateLimit(EVENTS, clock);
  }

  /** Adds an event, unless there were many of this fault. That it cannot be stored is no failure of the request. */
  async add(refusal: Refusal, about: About): Promise<void> {
    const { fault } = refusal;
    const others = this.#others.get(fault) ?? 0;
    try {
      this.#limit.take(fault);
      const nowMs = this.#clock.nowMs();
      const event = refusalEvent(refusal, about, { others, nowMs });
      await this.#bus.append({
        header: {
          format: "ecs",
          stream: "sns refused",
          receivedMs: nowMs,
          fields: {},
          ...(about.source !== undefined && { source: about.source }),
        },
        lines: Buffer.from(`${JSON.stringify(event)}\n`),
      });
      this.#others.delete(fault);
    } catch {
      this.#others.set(fault, others + 1);
    }
  }
}

function refusalEvent(
  { fault, reason }: Refusal,
  { address, body, message }: About,
  { others, nowMs }: { others: number; nowMs: number },
): Record<string, unknown> {
  const more = others === 0 ? "" : ` (and ${others} more since the last such event)`;
  return {
    "@timestamp": new Date(nowMs).toISOString(),
    message: `A message to /sns was refused: ${reason}${more}`,
    "data_stream.dataset": SNS_DATASET,
    "event.kind": "alert",
    "event.category": ["intrusion_detection"],
    "event.type": ["denied"],
    "event.action": "message-refused",
    "event.code": fault,
    "event.outcome": "failure",
    "event.reason": reason,
    "event.original": body.slice(0, TEXT_CHARACTERS_MAX),
    "log.level": "warn",
    "cloud.provider": "aws",
    "source.address": address,
    ...(message && {
      "aws.sns.topic_arn": message.TopicArn,
      "aws.sns.message_id": message.MessageId,
      "aws.sns.signing_cert_url": message.SigningCertURL,
      ...(message.SubscribeURL !== undefined && { "aws.sns.subscribe_url": message.SubscribeURL }),
    }),
  };
}
