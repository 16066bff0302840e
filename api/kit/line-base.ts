import type { Clock } from "#platform/clock.ts";
import type { Config } from "#platform/config.ts";

import type { ServiceName } from "./service.ts";

/** What every ECS line of a service has. */
export type LineBase = {
  /** Service, version, node, process. */
  members: Readonly<Record<string, string | number>>;
  /** The same as JSON without the braces. */
  text: string;
  /** Now, as ISO 8601 in UTC. */
  time(): string;
};

export function lineBase(deps: {
  service: ServiceName;
  config: Config;
  /** `service.node.name`: which of several. */
  node: string;
  clock: Clock;
}): LineBase {
  const { service, config, node, clock } = deps;
  let atMs = Number.NaN;
  let text = "";
  const members = {
    "service.name": service,
    "service.version": config.api.release,
    "service.node.name": node,
    "process.pid": process.pid,
  };
  return {
    members,
    text: JSON.stringify(members).slice(1, -1),
    time() {
      const nowMs = clock.nowMs();
      if (nowMs !== atMs) {
        atMs = nowMs;
        text = new Date(nowMs).toISOString();
      }
      return text;
    },
  };
}
