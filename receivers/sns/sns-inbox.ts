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
import type { RecentIds } from "./recent-ids.ts";
import { type Refusal, RefusalEvents } from "./refusal-events.ts";
import { SNS_DATASET, snsEvents } from "./sns-events.ts";
import { parseSnsMessage, type SnsMessage } from "./sns-message.ts";

/** Refused messages of one address. */
const REFUSED = { burst: 100, refillMs: 1_000, keysMax: 10_000 };
/** Of the ids of messages on the bus. */
const IDENTITIES = "sns";
/** Messages that are recognised if they come again. */
export const RECENT_MESSAGES = { idsMax: 100_000, msMax: REPLAY_MS_MAX, scope: IDENTITIES };
/** Why no topic is allowed by anything but its name. */
const UNKNOWN_TOPIC = "unknown topic";

export type SnsDeps = {
  bus: Pick<BusProducer, "append">;
  activity: Activity;
  clock: Clock;
  /** The configured sources, of which those of kind `sns` list the allowed topics. */
  sources(): readonly ConfiguredSource[];
  get: HttpsGet;
  /** The messages that were kept. */
  recent: RecentIds;
};

/** A message that SNS delivers without its envelope, by a request with a token. */
export type RawMessage = { topicArn: string; messageId: string; body: string };

/** Takes the messages of allowed topics. What it has accepted is on the bus. */
export class SnsInbox {
  readonly #deps: SnsDeps;
  readonly #certificates: Certificates;
  readonly #refusals;
  readonly #refusalEvents: RefusalEvents;

  constructor(deps: SnsDeps) {
    this.#deps = deps;
    this.#certificates = new Certificates(deps.get, deps.clock);
    this.#refusals = createRateLimit(REFUSED, deps.clock);
    this.#refusalEvents = new RefusalEvents(deps.bus, deps.clock);
  }

  /**
   * Takes the body of a request from this address.
   * @throws AppError forbidden with the reason if it is refused; too_many_requests for too many of these; unavailable if
   *   SNS has to send it again
   */
  async receive(body: string, address: string): Promise<void> {
    const parsed = parseSnsMessage(body);
    if (!parsed.ok) {
      return this.#refuse({ fault: "malformed", reason: parsed.reason }, { address, body });
    }
    const { message } = parsed;
    const source = this.#entryOf(message.TopicArn);
    const verdict = await judgeMessage(message, {
      isAllowed: source !== undefined,
      certificates: this.#certificates,
      nowMs: this.#deps.clock.nowMs(),
    });
    if (!verdict.accepted) return this.#refuse(verdict, { address, body, source, message });
    if (source === undefined) throw new Error("a message of a topic without a source is refused");
    await this.#keep(source, message, verdict.confirm);
  }

  /** @throws AppError forbidden if its topic is not allowed */
  async receiveRaw({ topicArn, messageId, body }: RawMessage, address: string): Promise<void> {
    const source = this.#entryOf(topicArn);
    if (source === undefined) {
      const reason = "its topic is not in the list of topics in sources.yaml";
      return this.#refuse({ fault: "topic", reason }, { address, body });
    }
    if (messageId === "") {
      const reason = "it has no x-amz-sns-message-id";
      return this.#refuse({ fault: "malformed", reason }, { address, body, source });
    }
    const Timestamp = new Date(this.#deps.clock.nowMs()).toISOString();
    const about = { TopicArn: topicArn, MessageId: messageId, Message: body, Timestamp };
    await this.#keep(source, { Type: "Notification", ...about });
  }

  #entryOf(topicArn: string): string | undefined {
    return snsEntryOf(topicArn, this.#deps.sources());
  }

  /** Messages of topics that are not allowed are counted together: anybody may name any topic. */
  async #refuse(
    refusal: Refusal,
    about: { address: string; body: string; source?: string | undefined; message?: SnsMessage },
  ): Promise<never> {
    const { address, source, message } = about;
    this.#refusals.take(address);
    const stream = (source === undefined ? undefined : message?.TopicArn) ?? UNKNOWN_TOPIC;
    this.#deps.activity.refused({ protocol: "sns", stream }, 1, refusal.reason);
    await this.#refusalEvents.add(refusal, about);
    throw new AppError("forbidden", `The message is refused: ${refusal.reason}.`);
  }

  /** SNS may deliver a message several times. `confirm`: the URL to request before. */
  #keep(source: string, message: Kept, confirm?: string): Promise<void> {
    return this.#deps.recent.once(identityOf(message), async () => {
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
        identities: IDENTITIES,
        identity: identityOf(message),
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

const identityOf = ({ TopicArn, MessageId }: Kept): string => `${TopicArn} ${MessageId}`;

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
