import type { Version } from "#deployer/edge/configuration/versions.ts";

import { DEPLOYS_DATASET } from "./event.ts";

const TITLE = "The edge";

/** The beginning and the end of a version of the edge's template as events (ECS). Each always has the same id. */
export function templateEvents({ number, author, reason, atMs, endedMs, state, failure }: Version) {
  const of = `configuration ${number}`;
  const common = {
    "data_stream.dataset": DEPLOYS_DATASET,
    "event.kind": "event",
    "event.category": ["configuration"],
    "event.reason": reason,
    "user.name": author,
    "labels.edge_version": String(number),
  };
  const start = {
    ...common,
    "@timestamp": new Date(atMs).toISOString(),
    message: `${TITLE} gets ${of}: ${reason}`,
    "event.type": ["start"],
    "event.action": "edge-configuration-applying",
    "event.id": `edge:${number}:${atMs}:applying`,
  };
  if (endedMs === null) return [start];
  const end = {
    ...common,
    "@timestamp": new Date(endedMs).toISOString(),
    message: failure === null ? `${TITLE} has ${of}` : `${TITLE} went back from ${of}: ${failure}`,
    "event.type": ["end"],
    "event.action": `edge-configuration-${state}`,
    "event.outcome": failure === null ? "success" : "failure",
    "event.id": `edge:${number}:${atMs}:${state}`,
  };
  return [start, end];
}

/** Something that a person removed from the caches, or tried to. */
export const banEvent = (
  of: { what: string; actor: string; reason: string; atMs: number; id: string },
  failure: string | null,
) => ({
  "@timestamp": new Date(of.atMs).toISOString(),
  message: `${failure === null ? "Removed from" : "Not removed from all"} caches: ${of.what}`,
  "data_stream.dataset": DEPLOYS_DATASET,
  "event.kind": "event",
  "event.category": ["configuration"],
  "event.type": ["deletion"],
  "event.action": "edge-ban",
  "event.outcome": failure === null ? "success" : "failure",
  "event.reason": of.reason,
  "event.id": of.id,
  "user.name": of.actor,
});
