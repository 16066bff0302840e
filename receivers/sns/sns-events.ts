import { alarmEvent } from "./alarm-notice.ts";
import { ecsServiceFields, ecsTaskFields } from "./ecs-notice.ts";
import {
  arnPart,
  type EventFields,
  isObject,
  isoTime,
  kebabCase,
  textIn,
  withValues,
} from "./notice.ts";
import {
  healthFields,
  rdsDetailFields,
  rdsEvent,
  s3DetailFields,
  s3Events,
} from "./other-notices.ts";

export const SNS_DATASET = "aws.sns";

type Notification = {
  TopicArn: string;
  MessageId: string;
  Message: string;
  Timestamp: string;
  Subject?: string | null | undefined;
};

/** The events of a notification: of a known notice with its fields, otherwise one with its text. */
export function snsEvents(notification: Notification): EventFields[] {
  const { TopicArn, MessageId, Message, Timestamp, Subject } = notification;
  const notices = noticesIn(Message);
  return (notices ?? [textEvent(Message, Subject)]).map((fields, index) => ({
    "@timestamp": isoTime(Timestamp),
    "event.kind": "event",
    "event.id": index === 0 ? MessageId : `${MessageId}/${index}`,
    "event.original": Message,
    "data_stream.dataset": SNS_DATASET,
    "cloud.provider": "aws",
    "cloud.region": arnPart(TopicArn, 3),
    "cloud.account.id": arnPart(TopicArn, 4),
    ...fields,
    ...withValues({
      "aws.sns.topic_arn": TopicArn,
      "aws.sns.message_id": MessageId,
      "aws.sns.subject": Subject ?? undefined,
    }),
  }));
}

/** The events of a known notice; undefined for other messages. */
function noticesIn(text: string): EventFields[] | undefined {
  let notice: unknown;
  try {
    notice = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(notice)) return undefined;
  const one = alarmEvent(notice) ?? rdsEvent(notice) ?? eventBridgeEvent(notice);
  return one ? [one] : s3Events(notice);
}

const textEvent = (text: string, subject: string | null | undefined): EventFields => ({
  message:
    subject === null || subject === undefined || subject === "" ? text : `${subject}: ${text}`,
});

/** An event of EventBridge; undefined for another notice. */
function eventBridgeEvent(notice: Readonly<Record<string, unknown>>): EventFields | undefined {
  const type = textIn(notice, "detail-type");
  const source = textIn(notice, "source");
  if (type === undefined || source === undefined) return undefined;
  return withValues({
    "@timestamp": isoTime(textIn(notice, "time")),
    message: `${type} (${source})`,
    "event.action": kebabCase(type),
    "event.provider": source,
    "cloud.account.id": textIn(notice, "account"),
    "cloud.region": textIn(notice, "region"),
    "aws.eventbridge.id": textIn(notice, "id"),
    ...withValues(detailFields(type, source, notice)),
  });
}

function detailFields(
  type: string,
  source: string,
  { detail, resources }: Readonly<Record<string, unknown>>,
): EventFields {
  if (source === "aws.ecs" && type === "ECS Task State Change") return ecsTaskFields(detail);
  if (source === "aws.ecs") return ecsServiceFields(detail, textIn(resources, 0));
  if (source === "aws.rds") return rdsDetailFields(detail);
  if (source === "aws.health") return healthFields(detail);
  return source === "aws.s3" ? s3DetailFields(detail, type) : {};
}
