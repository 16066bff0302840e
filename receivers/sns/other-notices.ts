import {
  arnPart,
  type EventFields,
  isObject,
  isoTime,
  kebabCase,
  listIn,
  numberIn,
  textIn,
  withValues,
} from "./notice.ts";

const RDS_FAILURES = /\b(?:failure|failover|low storage|out of|incompatible|error)\b/i;

/** An event of RDS as it publishes them to SNS itself; undefined for another notice. */
export function rdsEvent(notice: unknown): EventFields | undefined {
  const kind = textIn(notice, "Event Source");
  const text = textIn(notice, "Event Message");
  if (kind === undefined || text === undefined) return undefined;
  const arn = textIn(notice, "Source ARN");
  return withValues({
    "@timestamp": isoTime(textIn(notice, "Event Time")),
    ...rdsFields({
      text,
      kind,
      code: textIn(notice, "Event ID"),
      name: textIn(notice, "Source ID"),
    }),
    "cloud.account.id": arnPart(arn, 4),
    "cloud.region": arnPart(arn, 3),
    "aws.rds.arn": arn,
    "event.reference": textIn(notice, "Identifier Link"),
  });
}

/** `detail` is that of an event of EventBridge. */
export const rdsDetailFields = (detail: unknown): EventFields => ({
  ...rdsFields({
    text: textIn(detail, "Message") ?? "",
    kind: textIn(detail, "SourceType") ?? "",
    code: textIn(detail, "EventID"),
    name: textIn(detail, "SourceIdentifier"),
    categories: listIn(detail, "EventCategories").filter((it) => typeof it === "string"),
  }),
  "aws.rds.arn": textIn(detail, "SourceArn"),
});

type RdsEvent = {
  text: string;
  kind: string;
  code: string | undefined;
  name: string | undefined;
  categories?: readonly string[];
};

function rdsFields({ text, kind, code, name, categories = [] }: RdsEvent): EventFields {
  const hasFailed = RDS_FAILURES.test([text, ...categories].join(" "));
  return {
    message: name === undefined ? text : `${name}: ${text}`,
    "event.provider": "aws.rds",
    "event.category": ["database"],
    "event.type": [hasFailed ? "error" : "info"],
    // The documentation's URL ends with it: …#RDS-EVENT-0006.
    "event.code": /RDS-EVENT-\d+/.exec(code ?? "")?.[0],
    "event.action": kebabCase(categories[0] ?? "rds-event"),
    "log.level": hasFailed ? "error" : "info",
    "aws.rds.db_instance.identifier": name,
    "aws.rds.source_type": kebabCase(kind) || undefined,
  };
}

/** The fields of an event of AWS Health. */
export function healthFields(detail: unknown): EventFields {
  const category = textIn(detail, "eventTypeCategory");
  const isIssue = category === "issue";
  const isOver =
    textIn(detail, "statusCode") === "closed" || textIn(detail, "endTime") !== undefined;
  const descriptions = listIn(detail, "eventDescription");
  const entities = listIn(detail, "affectedEntities");
  const code = textIn(detail, "eventTypeCode");
  return {
    message: textIn(descriptions[0], "latestDescription") ?? code ?? "An event of AWS Health",
    "event.kind": "alert",
    "event.code": code,
    "event.action": kebabCase(category ?? "health-event"),
    "event.start": isoTime(textIn(detail, "startTime")),
    "event.end": isoTime(textIn(detail, "endTime")),
    "log.level": isIssue && !isOver ? "error" : category === "scheduledChange" ? "warn" : "info",
    "cloud.service.name": textIn(detail, "service"),
    "aws.health.event_arn": textIn(detail, "eventArn"),
    "aws.health.status": textIn(detail, "statusCode"),
    "aws.health.affected_entities": entities.flatMap((it) => textIn(it, "entityValue") ?? []),
  };
}

/** One event for each record of a notification of S3; undefined for another notice. */
export function s3Events(notice: unknown): EventFields[] | undefined {
  const records = listIn(notice, "Records").filter(isObject);
  if (records.length === 0 || records.some((it) => textIn(it, "eventSource") !== "aws:s3")) {
    return undefined;
  }
  return records.map((record) => {
    const name = textIn(record, "eventName") ?? "";
    const bucket = textIn(record, "s3", "bucket", "name");
    const key = decodedKey(textIn(record, "s3", "object", "key") ?? "");
    return withValues({
      "@timestamp": isoTime(textIn(record, "eventTime")),
      ...s3Fields({ name, bucket, key, size: numberIn(record, "s3", "object", "size") }),
      "event.provider": "aws.s3",
      "cloud.region": textIn(record, "awsRegion"),
      "source.ip": textIn(record, "requestParameters", "sourceIPAddress"),
    });
  });
}

/** `detail` is that of an event of EventBridge. */
export const s3DetailFields = (detail: unknown, name: string): EventFields => ({
  ...s3Fields({
    name,
    bucket: textIn(detail, "bucket", "name"),
    key: textIn(detail, "object", "key") ?? "",
    size: numberIn(detail, "object", "size"),
  }),
  "source.ip": textIn(detail, "source-ip-address"),
});

type S3Event = { name: string; bucket: string | undefined; key: string; size: number | undefined };

function s3Fields({ name, bucket, key, size }: S3Event): EventFields {
  const type = /created|restore/i.test(name)
    ? "creation"
    : /remove|delete/i.test(name)
      ? "deletion"
      : "change";
  return {
    message: `${name}: s3://${bucket ?? ""}/${key}`,
    "event.action": kebabCase(name),
    "event.category": ["file"],
    "event.type": [type],
    "file.path": key === "" ? undefined : key,
    "file.size": size,
    "aws.s3.bucket.name": bucket,
    "aws.s3.object.key": key === "" ? undefined : key,
  };
}

function decodedKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded.replaceAll("+", " "));
  } catch {
    return encoded;
  }
}
