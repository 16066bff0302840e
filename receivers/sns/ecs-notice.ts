import {
  afterLastSlash,
  type EventFields,
  isObject,
  kebabCase,
  listIn,
  numberIn,
  textIn,
} from "./notice.ts";

/** Why a task ended without anybody asking for it. */
const FAILURES = /^(?:EssentialContainerExited|TaskFailedToStart|SpotInterruption)$/;
const OUTCOMES = { true: "failure", false: "success" } as const;
const TYPES: Readonly<Record<string, string>> = { RUNNING: "start", STOPPED: "end" };

/** The fields of a change of state of an ECS task. `detail` is that of the event of EventBridge. */
export function ecsTaskFields(detail: unknown): EventFields {
  return { ...stateFields(detail), ...containerFields(detail), ...taskFields(detail) };
}

const containersIn = (detail: unknown) => listIn(detail, "containers").filter(isObject);
const exitCodesIn = (detail: unknown): number[] =>
  containersIn(detail).flatMap((it) => numberIn(it, "exitCode") ?? []);

function stateFields(detail: unknown): EventFields {
  const status = textIn(detail, "lastStatus") ?? "";
  const reason = textIn(detail, "stoppedReason");
  const service = textIn(detail, "group")?.replace(/^service:/, "");
  const hasFailed =
    exitCodesIn(detail).some((code) => code !== 0) ||
    FAILURES.test(textIn(detail, "stopCode") ?? "");
  const isStopped = status === "STOPPED";
  const task = afterLastSlash(textIn(detail, "taskArn"));
  return {
    message: `Task ${task ?? ""} of ${service ?? "no service"} is ${status}${reason === undefined ? "" : `: ${reason}`}`,
    "event.category": ["process"],
    "event.type": [TYPES[status] ?? "change"],
    "event.outcome": isStopped ? OUTCOMES[`${hasFailed}`] : undefined,
    "event.reason": reason,
    "log.level": isStopped && hasFailed ? "error" : "info",
    "service.name": service,
    "service.node.name": task,
  };
}

function containerFields(detail: unknown): EventFields {
  const containers = containersIn(detail);
  const exitCodes = exitCodesIn(detail);
  return {
    "container.name": containers.flatMap((it) => textIn(it, "name") ?? []),
    "container.id": containers.flatMap((it) => textIn(it, "runtimeId") ?? []),
    "container.image.name": containers.flatMap((it) => textIn(it, "image") ?? []),
    "process.exit_code": exitCodes.find((code) => code !== 0) ?? exitCodes[0],
  };
}

function taskFields(detail: unknown): EventFields {
  return {
    "orchestrator.type": "ecs",
    "orchestrator.cluster.name": afterLastSlash(textIn(detail, "clusterArn")),
    "cloud.availability_zone": textIn(detail, "availabilityZone"),
    "aws.ecs.task.arn": textIn(detail, "taskArn"),
    "aws.ecs.task.definition": textIn(detail, "taskDefinitionArn"),
    "aws.ecs.task.last_status": textIn(detail, "lastStatus"),
    "aws.ecs.task.desired_status": textIn(detail, "desiredStatus"),
    "aws.ecs.task.stop_code": textIn(detail, "stopCode"),
    "aws.ecs.launch_type": textIn(detail, "launchType"),
  };
}

/** The fields of a deployment of an ECS service, or of an action of one. */
export function ecsServiceFields(detail: unknown, resource: string | undefined): EventFields {
  const name = textIn(detail, "eventName");
  const type = textIn(detail, "eventType");
  const reason = textIn(detail, "reason");
  const service = afterLastSlash(resource);
  const hasFailed = type === "ERROR" || name?.endsWith("FAILED") === true;
  return {
    message: `${service ?? "A service"}: ${name ?? ""}${reason === undefined ? "" : `: ${reason}`}`,
    "event.action": name === undefined ? undefined : kebabCase(name),
    "event.category": ["configuration"],
    "event.type": ["change"],
    "event.outcome": hasFailed ? "failure" : "success",
    "event.reason": reason,
    "log.level": hasFailed ? "error" : type === "WARN" ? "warn" : "info",
    "service.name": service,
    "orchestrator.type": "ecs",
    "orchestrator.cluster.name": afterLastSlash(textIn(detail, "clusterArn")),
    "aws.ecs.deployment.id": textIn(detail, "deploymentId"),
  };
}
