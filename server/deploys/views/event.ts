import type { Deploy } from "#deployer/machine/deploy.ts";
import { RULES, shareBp } from "#deployer/machine/states.ts";

export const DEPLOYS_DATASET = "quarterdeck.deploys";

const OUTCOMES = {
  succeeded: "success",
  "rolled-back": "failure",
  failed: "failure",
  aborted: "failure",
  expired: "failure",
} as const;

/** The lines of a deploy's history as events (ECS), oldest first. The same line always has the same id. */
export const deployEvents = (deploy: Deploy) =>
  deploy.history.map((line) => {
    const { id, workload, plan, train } = deploy;
    const { isTerminal, label } = RULES[line.state];
    const from = plan.from ?? "nothing";
    return {
      "@timestamp": new Date(line.atMs).toISOString(),
      message: `${workload} ${from} → ${plan.release} ${label}${line.reason === "" ? "" : `: ${line.reason}`}`,
      "data_stream.dataset": DEPLOYS_DATASET,
      "event.kind": "event",
      "event.category": ["configuration"],
      "event.type": [typeOf(line.state, isTerminal)],
      "event.action": `deploy-${line.state}`,
      "event.id": `${id}:${line.atMs}:${line.state}:${line.step}`,
      "event.reason": line.reason,
      ...(isTerminal && deploy.outcome !== null
        ? { "event.outcome": OUTCOMES[deploy.outcome] }
        : {}),
      "service.name": workload,
      "service.version": plan.release,
      ...(line.by === null ? {} : { "user.name": line.by }),
      "labels.deploy": id,
      "labels.release": plan.release,
      "labels.from": plan.from ?? "",
      "labels.colour": plan.newColour,
      "labels.strategy": plan.strategy.kind,
      "labels.state": line.state,
      "labels.share_bp": String(
        shareBp({ ...deploy, state: line.state, step: line.step, heldFrom: null }),
      ),
      ...(train === null ? {} : { "labels.train": train }),
    };
  });

function typeOf(state: Deploy["state"], isTerminal: boolean): "start" | "change" | "end" {
  if (isTerminal) return "end";
  return state === "queued" ? "start" : "change";
}
