import * as fc from "fast-check";
import { expect, test } from "vitest";

import { snsEvents } from "./sns-events.ts";
import { TOPIC } from "./testing-sns.ts";

const eventsOf = (message: unknown, Subject?: string): Record<string, unknown>[] =>
  snsEvents({
    TopicArn: TOPIC,
    MessageId: "m1",
    Message: typeof message === "string" ? message : JSON.stringify(message),
    Timestamp: "2026-03-14T10:00:00.000Z",
    Subject,
  });

test("an alarm of CloudWatch", () => {
  const alarm = {
    AlarmName: "orders-latency",
    AlarmDescription: "Orders are slow",
    AWSAccountId: "123456789012",
    NewStateValue: "ALARM",
    NewStateReason: "Threshold Crossed: 1 datapoint [2.5] was greater than the threshold (1.0).",
    StateChangeTime: "2026-03-14T09:59:58.123+0000",
    Region: "EU (Ireland)",
    AlarmArn: "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:orders-latency",
    OldStateValue: "OK",
    Trigger: {
      MetricName: "TargetResponseTime",
      Namespace: "AWS/ApplicationELB",
      Dimensions: [{ name: "LoadBalancer", value: "app/orders/1" }],
      Threshold: 1,
    },
  };
  expect(eventsOf(alarm)).toMatchObject([
    {
      "@timestamp": "2026-03-14T09:59:58.123Z",
      "event.kind": "alert",
      "event.action": "alarm-alarm",
      "event.outcome": "failure",
      "log.level": "error",
      "rule.name": "orders-latency",
      "cloud.region": "eu-west-1",
      "aws.cloudwatch.metric": "TargetResponseTime",
      "aws.dimensions.LoadBalancer": "app/orders/1",
    },
  ]);
  const [ok] = eventsOf({ ...alarm, NewStateValue: "OK" });
  expect(ok).toMatchObject({ "event.outcome": "success", "log.level": "info" });
});

const eventBridge = (source: string, type: string, detail: unknown) => ({
  version: "0",
  id: "e1",
  "detail-type": type,
  source,
  account: "123456789012",
  time: "2026-03-14T09:58:00Z",
  region: "eu-west-1",
  resources: ["arn:aws:ecs:eu-west-1:123456789012:service/shop/orders"],
  detail,
});

test("a task of ECS that fails, and one that is stopped by a deployment", () => {
  const detail = {
    clusterArn: "arn:aws:ecs:eu-west-1:123456789012:cluster/shop",
    taskArn: "arn:aws:ecs:eu-west-1:123456789012:task/shop/abc",
    lastStatus: "STOPPED",
    desiredStatus: "STOPPED",
    group: "service:orders",
    stopCode: "EssentialContainerExited",
    stoppedReason: "Essential container in task exited",
    containers: [
      { name: "sidecar", exitCode: 0 },
      { name: "app", exitCode: 137, image: "orders:7", runtimeId: "r1" },
    ],
  };
  const event = (change: object) =>
    eventsOf(eventBridge("aws.ecs", "ECS Task State Change", { ...detail, ...change }));
  expect(event({})).toMatchObject([
    {
      "@timestamp": "2026-03-14T09:58:00.000Z",
      "event.action": "ecs-task-state-change",
      "event.category": ["process"],
      "event.type": ["end"],
      "event.outcome": "failure",
      "service.name": "orders",
      "container.name": ["sidecar", "app"],
      "process.exit_code": 137,
      "orchestrator.cluster.name": "shop",
      message: "Task abc of orders is STOPPED: Essential container in task exited",
    },
  ]);
  const stopped = { stopCode: "ServiceSchedulerInitiated", containers: [{ exitCode: 0 }] };
  expect(event(stopped)).toMatchObject([{ "event.outcome": "success", "log.level": "info" }]);
  expect(event({ lastStatus: "RUNNING" })).toMatchObject([{ "event.type": ["start"] }]);
});

test("a failed deployment of a service of ECS", () => {
  const detail = {
    eventType: "ERROR",
    eventName: "SERVICE_DEPLOYMENT_FAILED",
    deploymentId: "ecs-svc/1",
    reason: "the circuit breaker was triggered",
  };
  expect(eventsOf(eventBridge("aws.ecs", "ECS Deployment State Change", detail))).toMatchObject([
    {
      "event.action": "service-deployment-failed",
      "event.outcome": "failure",
      "service.name": "orders",
      "log.level": "error",
    },
  ]);
});

test("events of RDS, published by itself and by EventBridge", () => {
  const direct = {
    "Event Source": "db-instance",
    "Event Time": "2026-03-14 09:57:00.000",
    "Source ID": "orders-db",
    "Source ARN": "arn:aws:rds:eu-west-1:123456789012:db:orders-db",
    "Event ID":
      "http://docs.amazonwebservices.com/AmazonRDS/latest/UserGuide/x.html#RDS-EVENT-0006",
    "Event Message": "DB instance restarted",
  };
  const expected = {
    "event.category": ["database"],
    "event.code": "RDS-EVENT-0006",
    "aws.rds.db_instance.identifier": "orders-db",
    message: "orders-db: DB instance restarted",
  };
  expect(eventsOf(direct)).toMatchObject([
    { ...expected, "@timestamp": "2026-03-14T09:57:00.000Z" },
  ]);
  const detail = {
    EventCategories: ["failover"],
    SourceType: "DB_INSTANCE",
    SourceIdentifier: "orders-db",
    EventID: "RDS-EVENT-0006",
    Message: "DB instance restarted",
  };
  expect(eventsOf(eventBridge("aws.rds", "RDS DB Instance Event", detail))).toMatchObject([
    { ...expected, "event.action": "failover", "log.level": "error" },
  ]);
});

test("an issue of AWS Health", () => {
  const detail = {
    service: "EC2",
    eventTypeCode: "AWS_EC2_OPERATIONAL_ISSUE",
    eventTypeCategory: "issue",
    statusCode: "open",
    startTime: "Sat, 14 Mar 2026 09:00:00 GMT",
    eventDescription: [{ language: "en_US", latestDescription: "Elevated error rates" }],
    affectedEntities: [{ entityValue: "i-1" }],
  };
  expect(eventsOf(eventBridge("aws.health", "AWS Health Event", detail))).toMatchObject([
    {
      "event.kind": "alert",
      "event.code": "AWS_EC2_OPERATIONAL_ISSUE",
      "event.start": "2026-03-14T09:00:00.000Z",
      "log.level": "error",
      "cloud.service.name": "EC2",
      message: "Elevated error rates",
    },
  ]);
});

test("each record of a notification of S3 is an event of its own", () => {
  const record = (key: string, eventName: string) => ({
    eventSource: "aws:s3",
    eventName,
    eventTime: "2026-03-14T09:00:00.000Z",
    s3: { bucket: { name: "b" }, object: { key, size: 3 } },
  });
  const Records = [record("a+b%2Bc", "ObjectCreated:Put"), record("d", "ObjectRemoved:Delete")];
  expect(eventsOf({ Records })).toMatchObject([
    { "event.id": "m1", "file.path": "a b+c", "event.type": ["creation"], "file.size": 3 },
    { "event.id": "m1/1", "file.path": "d", "event.type": ["deletion"] },
  ]);
});

test("other messages keep their text, and other events of EventBridge their type", () => {
  expect(eventsOf("plain text", "Subject")).toMatchObject([{ message: "Subject: plain text" }]);
  expect(eventsOf({ any: 1 })).toMatchObject([{ message: '{"any":1}' }]);
  expect(eventsOf(eventBridge("aws.guardduty", "GuardDuty Finding", {}))).toMatchObject([
    { "event.action": "guardduty-finding", message: "GuardDuty Finding (aws.guardduty)" },
  ]);
});

test("no message makes it fail, and every event can be written as JSON", () => {
  const notices = fc.oneof(
    fc.string(),
    fc.json(),
    fc.record(
      {
        AlarmName: fc.jsonValue(),
        NewStateValue: fc.jsonValue(),
        Trigger: fc.jsonValue(),
        Records: fc.jsonValue(),
        "detail-type": fc.string(),
        source: fc.constantFrom("aws.ecs", "aws.rds", "aws.health", "aws.s3", "x"),
        detail: fc.jsonValue(),
        resources: fc.jsonValue(),
      },
      { requiredKeys: [] },
    ),
  );
  fc.assert(
    fc.property(notices, (message) => {
      for (const event of eventsOf(message)) {
        expect(event["@timestamp"]).toBeTypeOf("string");
        expect(JSON.parse(JSON.stringify(event))).toBeTypeOf("object");
      }
    }),
  );
});
