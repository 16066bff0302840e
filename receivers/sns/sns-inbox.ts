import type { ConfiguredSource } from "#collectors/configured/sources-file.ts";
import { snsEntryOf } from "#collectors/sources/sns.ts";
import type { BusProducer } from "#pipeline/bus/port.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";

import type { Activity } from "../activity/activity.ts";
import { Certificates } from "./certificates.ts";
import type { HttpsGet } from "./https-get.ts";
import { judgeMessage, REPLAY_MS_MAX } from "./judge.ts";
import { RecentIds } from "./recent-ids.ts";
import { SNS_DATASET, snsEvents } from "./sns-events.ts";
import { parseSnsMessage, type SnsMessage } from "./sns-message.ts";

/** Refused messages of one address. */
const REFUSED = { burst: 100, refillMs: 1_000, keysMax: 10_000 };
/** Messages that are recognised if they come again. */
const RECENT_MAX = 100_000;
/** Why no topic is allowed by anything but its name. */
const UNKNOWN_TOPIC = "unknown topic";

export type SnsDeps = {
  bus: Pick<BusProducer, "append">;
  activity: Activity;
  clock: Clock;
  /** The configured sources, of which those of kind `sns` list the allowed topics. */
  sources(): readonly ConfiguredSource[];
  get: HttpsGet;
};

/** A message that SNS delivers without its envelope, by a request with a token. */
export type RawMessage = { topicArn: string; messageId: string; body: string };

/** Takes the messages of allowed topics. What it has accepted is on the bus. */
export class SnsInbox {
  readonly #deps: SnsDeps;
  readonly #certificates: Certificates;
  readonly #refusals;
  readonly #recent: RecentIds;

  constructor(deps: SnsDeps) {
    this.#deps = deps;
    this.#certificates = new Certificates(deps.get, deps.clock);
    this.#refusals = createRateLimit(REFUSED, deps.clock);
    this.#recent = new RecentIds(RECENT_MAX, REPLAY_MS_MAX, deps.clock);
  }

  /**
   * Takes the body of a request from this address.
   * @throws AppError forbidden with the reason if it is refused; too_many_requests for too many of these; unavailable if
   *   SNS has to send it again
   */
  async receive(body: string, address: string): Promise<void> {
    const parsed = parseSnsMessage(body);
    if (!parsed.ok) return this.#refuse(parsed.reason, { address });
    const { message } = parsed;
    const source = this.#entryOf(message.TopicArn);
    const verdict = await judgeMessage(message, {
      isAllowed: source !== undefined,
      certificates: this.#certificates,
      nowMs: this.#deps.clock.nowMs(),
    });
    if (!verdict.accepted || source === undefined) {
      const reason = verdict.accepted ? "its topic is not allowed" : verdict.reason;
      const topic = source === undefined ? undefined : message.TopicArn;
      return this.#refuse(reason, { address, topic });
    }
    await this.#keep(source, message, verdict.confirm);
  }

  /** @throws AppError forbidden if its topic is not allowed */
  async receiveRaw({ topicArn, messageId, body }: RawMessage, address: string): Promise<void> {
    const source = this.#entryOf(topicArn);
    if (source === undefined) {
      return this.#refuse("its topic is not in the list of topics in sources.yaml", { address });
    }
    const Timestamp = new Date(this.#deps.clock.nowMs()).toISOString();
    const about = { TopicArn: topicArn, MessageId: messageId, Message: body, Timestamp };
    await this.#keep(source, { Type: "Notification", ...about });
  }

  #entryOf(topicArn: string): string | undefined {
    return snsEntryOf(topicArn, this.#deps.sources());
  }

  /** Messages of topics that are not allowed are counted together: anybody may name any topic. */
  #refuse(
    reason: string,
    { address, topic }: { address: string; topic?: string | undefined },
  ): never {
    this.#refusals.take(address);
    const stream = topic ?? UNKNOWN_TOPIC;
    this.#deps.activity.refused({ protocol: "sns", stream }, 1, reason);
    throw new AppError("forbidden", `The message is refused: ${reason}.`);
  }

  /** SNS may deliver a message several times. `confirm`: the URL to request before. */
  #keep(source: string, message: Kept, confirm?: string): Promise<void> {
    return this.#recent.once(`${message.TopicArn} ${message.MessageId}`, async () => {
      if (confirm !== undefined) await this.#deps.get(confirm);
      await this.#append(source, message);
    });
  }

  async #append(source: string, message: Kept): Promise<void> {
    const { TopicArn } = message;
    const events = eventsOf(message);
    const lines = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
    const { activity, bus, clock } = this.#deps;
    await bus.append({
      header: {
        format: "ecs",
        stream: `sns ${TopicArn}`,
        receivedMs: clock.nowMs(),
        fields: {},
        source,
      },
      lines,
    });
    const counted = { events: events.length, bytes: lines.length, lines: [lines] };
    activity.received({ protocol: "sns", stream: TopicArn }, counted);
  }
}

type Kept = Pick<SnsMessage, "Type" | "TopicArn" | "MessageId" | "Message" | "Timestamp"> & {
  Subject?: string | null | undefined;
};

/** The beginning and the end of a subscription are events too. */
function eventsOf(message: Kept): Record<string, unknown>[] {
  if (message.Type === "Notification") return snsEvents(message);
  const isEnd = message.Type === "UnsubscribeConfirmation";
  const [event] = snsEvents({ ...message, Message: "" });
  return [
    {
      ...event,
      "event.original": message.Message,
      message: isEnd
        ? `The subscription to ${message.TopicArn} was ended: its messages do not arrive any more`
        : `The subscription to ${message.TopicArn} was confirmed`,
      "event.action": isEnd ? "unsubscribed" : "subscription-confirmed",
      "event.category": ["configuration"],
      "event.type": [isEnd ? "deletion" : "creation"],
      "log.level": isEnd ? "warn" : "info",
      "data_stream.dataset": SNS_DATASET,
    },
  ];
}
