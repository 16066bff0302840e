import type { Clock } from "../clock.ts";

/** The fields that every ECS line of a program has. */
export type EcsBase = {
  /** Service, version, node, process. */
  members: Readonly<Record<string, string | number>>;
  /** `fields` as JSON without the braces. */
  text: string;
  /** Now, as ISO 8601 in UTC. */
  time(): string;
};

export function ecsBase(deps: {
  service: string;
  release: string;
  /** `service.node.name`: identifies the instance. */
  node: string;
  clock: Clock;
}): EcsBase {
  const { service, release, node, clock } = deps;
  let atMs = Number.NaN;
  let text = "";
  let secondMs = Number.NaN;
  let second = "";
  const members = {
    "service.name": service,
    "service.version": release,
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
        const inSecond = nowMs % 1_000;
        if (nowMs - inSecond !== secondMs) {
          secondMs = nowMs - inSecond;
          second = new Date(secondMs).toISOString().slice(0, -4);
        }
        text = `${second}${String(inSecond).padStart(3, "0")}Z`;
      }
      return text;
    },
  };
}
