import {
  arnPart,
  type EventFields,
  isObject,
  isoTime,
  listIn,
  numberIn,
  textIn,
  withValues,
} from "./notice.ts";

const STATES: Readonly<Record<string, { level: string; outcome: string }>> = {
  ALARM: { level: "error", outcome: "failure" },
  OK: { level: "info", outcome: "success" },
  INSUFFICIENT_DATA: { level: "warn", outcome: "unknown" },
};

/** A change of state of a CloudWatch alarm; undefined for another notice. */
export function alarmEvent(notice: unknown): EventFields | undefined {
  const name = textIn(notice, "AlarmName");
  const state = textIn(notice, "NewStateValue");
  if (name === undefined || state === undefined) return undefined;
  const reason = textIn(notice, "NewStateReason");
  const arn = textIn(notice, "AlarmArn");
  const { level, outcome } = STATES[state] ?? { level: "info", outcome: "unknown" };
  const dimensions = listIn(notice, "Trigger", "Dimensions").filter(isObject);
  return withValues({
    "@timestamp": isoTime(textIn(notice, "StateChangeTime")),
    message: `Alarm ${name} is ${state}${reason === undefined ? "" : `: ${reason}`}`,
    "event.kind": "alert",
    "event.action": `alarm-${state.toLowerCase().replaceAll("_", "-")}`,
    "event.outcome": outcome,
    "event.provider": "aws.cloudwatch",
    "event.reason": reason,
    "log.level": level,
    "rule.name": name,
    "rule.id": arn,
    "rule.description": textIn(notice, "AlarmDescription"),
    "cloud.account.id": textIn(notice, "AWSAccountId"),
    "cloud.region": arnPart(arn, 3) ?? textIn(notice, "Region"),
    "aws.cloudwatch.namespace": textIn(notice, "Trigger", "Namespace"),
    "aws.cloudwatch.metric": textIn(notice, "Trigger", "MetricName"),
    "aws.cloudwatch.threshold": numberIn(notice, "Trigger", "Threshold"),
    "aws.cloudwatch.state": state,
    "aws.cloudwatch.previous_state": textIn(notice, "OldStateValue"),
    ...Object.fromEntries(
      dimensions.map((it) => [`aws.dimensions.${textIn(it, "name") ?? ""}`, textIn(it, "value")]),
    ),
  });
}
