import { randomUUID } from "node:crypto";

import type {
  EdgeConfiguration,
  Surroundings,
  TemplateChange,
} from "#deployer/edge/configuration/edge-configuration.ts";
import type { Ban } from "#deployer/edge/varnish/ban.ts";
import type { Deployer } from "#deployer/engine/deployer.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import type { DeployEvents } from "./deploy-events.ts";
import type { Edge } from "./edge-port.ts";
import type { DeploysService } from "./service.ts";
import { banEvent, templateEvents } from "./views/edge-event.ts";

/** Errors of this time are those that were usual before a change. */
const USUAL_MS = 60_000;

export type EdgeChangesDeps = {
  deployer: Pick<Deployer, "workloads" | "status" | "note">;
  edge: Pick<Edge, "configuration" | "caches" | "traffic">;
  events: Pick<DeployEvents, "addEvents">;
  clock: Clock;
};

type Verbs =
  | "edgeTemplate"
  | "checkEdgeTemplate"
  | "changeEdgeTemplate"
  | "rollBackEdgeTemplate"
  | "ban";

/** What people and pipelines change about the edge itself: its template, and what its caches have. */
export function edgeChangesOf(deps: EdgeChangesDeps): Pick<DeploysService, Verbs> {
  const { edge, deployer, clock, events } = deps;
  const configuration = (): EdgeConfiguration => {
    if (edge.configuration !== undefined) return edge.configuration;
    throw new AppError("not_found", NO_TEMPLATE);
  };
  const change = async (of: TemplateChange): Promise<{ version: number }> => {
    const { version, ended } = await configuration().change(of, surroundingsOf(deps));
    if (configuration().underWay !== undefined) {
      const { author: actor, reason } = of;
      const after = { version, ...("repeats" in of ? { repeats: of.repeats } : {}) };
      const before = { version: configuration().versions.current };
      const target = `edge configuration ${version}`;
      const atMs = clock.nowMs();
      await deployer.note({ atMs, actor, action: "edge.configure", target, reason, before, after });
    }
    addTemplateEvents(deps);
    void ended.then(() => addTemplateEvents(deps));
    return { version };
  };
  return {
    async edgeTemplate({ version = configuration().versions.current }) {
      return { version, text: configuration().text(version) };
    },
    checkEdgeTemplate: async ({ text }) => ({ mistakes: await configuration().check(text) }),
    changeEdgeTemplate: ({ text, reason, base, actor: author }) =>
      change({ text, reason, base, author }),
    rollBackEdgeTemplate: ({ version: repeats, reason, actor: author }) =>
      change({ repeats, reason, author }),
    async ban({ actor, reason, ...ban }) {
      if (edge.caches === undefined) throw new AppError("not_found", NO_CACHE);
      const of = { what: textOf(ban), actor, reason, atMs: clock.nowMs(), id: randomUUID() };
      const { atMs, what: target } = of;
      await deployer.note({
        atMs,
        actor,
        action: "edge.ban",
        target,
        reason,
        before: null,
        after: ban,
      });
      try {
        const nodes = await edge.caches.ban(ban);
        events.addEvents([banEvent(of, null)]);
        return { nodes };
      } catch (error) {
        events.addEvents([banEvent(of, String(error))]);
        throw error;
      }
    },
  };
}

const INSTALL = "Install HAProxy and Varnish, and start Quarterdeck with QUARTERDECK_EDGE=haproxy.";
const NO_TEMPLATE = `The local edge has no configuration to edit. ${INSTALL}`;
const NO_CACHE = `The local edge has no cache. ${INSTALL}`;

/** Events of versions, also those that ended while no role ran. */
export function addTemplateEvents({
  edge,
  events,
}: Pick<EdgeChangesDeps, "edge" | "events">): void {
  events.addEvents(edge.configuration?.versions.versions.flatMap(templateEvents) ?? []);
}

const surroundingsOf = ({ deployer, edge, clock }: EdgeChangesDeps): Surroundings => ({
  blockedBy() {
    const active = deployer.workloads
      .map((name) => deployer.status(name).active)
      .find((it) => it !== undefined);
    if (active === undefined) return undefined;
    const { workload, plan, id } = active;
    return `The deploy of ${workload} ${plan.release} (${id}) is under way: the edge changes only between deploys.`;
  },
  async errorsBefore() {
    const fromMs = clock.nowMs() - USUAL_MS;
    const views = await Promise.all(
      deployer.workloads.map((name) => edge.traffic.read(name, fromMs)),
    );
    const lanes = views.flatMap((view) => [view.lanes.blue, view.lanes.green]);
    return {
      requests: lanes.reduce((sum, { requests }) => sum + requests, 0),
      errors: lanes.reduce((sum, { errors }) => sum + errors, 0),
    };
  },
});

function textOf(ban: Ban): string {
  switch (ban.kind) {
    case "url":
      return `URL ${ban.host}${ban.url}`;
    case "tag":
      return `tag ${ban.tag}`;
    case "release":
      return `release ${ban.workload} ${ban.release}`;
  }
}
