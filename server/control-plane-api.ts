import { createHash } from "node:crypto";
import type { RequestListener } from "node:http";

import type { Access } from "#access/access.ts";
import { deployTokens } from "#access/deploy-token.ts";
import { type MemberAccess, memberAccess } from "#access/member-access.ts";
import { deployTokenScheme, type MemberRule, sessionScheme } from "#access/route.ts";
import { accessRoutes } from "#access/routes.ts";
import { TokenUses } from "#access/token-uses.ts";
import type { Clock } from "#platform/clock.ts";
import { accessLine } from "#platform/http/access-line.ts";
import { clientAddressBy } from "#platform/http/client-address.ts";
import { ecsBase } from "#platform/http/ecs-base.ts";
import { createListener } from "#platform/http/listener.ts";
import type { Route } from "#platform/http/route.ts";
import { originRules } from "#platform/http/same-origin.ts";
import type { Log } from "#platform/log.ts";
import { createRouteMetrics } from "#platform/metrics/route-metrics.ts";
import { documentRoutes } from "#platform/openapi/document-routes.ts";
import type { Database } from "#platform/postgres/database.ts";
import { createLastWrites } from "#platform/postgres/last-writes.ts";
import { withoutReplicas } from "#platform/postgres/service-database.ts";
import type { OpenProblem } from "#platform/problems.ts";

import type { Deploys } from "./deploys/follow-deploys.ts";
import { type BoardRoutesDeps, boardRoutes } from "./routes/board.ts";
import { deployMarkersRoute } from "./routes/deploy-markers.ts";
import { deployTokenRoutes } from "./routes/deploy-tokens.ts";
import { deployRoutes } from "./routes/deploys.ts";
import { edgeRoutes } from "./routes/edge.ts";
import { eventDetailRoutes } from "./routes/event-details.ts";
import { exportRoutes } from "./routes/event-export.ts";
import { eventRoutes } from "./routes/events.ts";
import { fleetRoutes } from "./routes/fleet.ts";
import { formatRoutes } from "./routes/formats.ts";
import { freezeRoutes } from "./routes/freezes.ts";
import { helpRoutes } from "./routes/help.ts";
import { manageSourcesRoutes } from "./routes/manage-sources.ts";
import { operationsRoutes } from "./routes/operations.ts";
import { originalRoutes } from "./routes/originals.ts";
import { pushTokenRoutes } from "./routes/push-tokens.ts";
import { quarantineRoutes } from "./routes/quarantine.ts";
import { receiverMetrics } from "./routes/receiver-metrics.ts";
import { rereadRoutes } from "./routes/reread.ts";
import { sourceFormatsRoute } from "./routes/source-formats.ts";
import { sourcesRoute } from "./routes/sources.ts";
import type { ControlSettings } from "./settings.ts";
import type { SourcesDeps } from "./sources/answer-sources.ts";
import { openReprocessing } from "./sources/reprocessing.ts";

/** The proxy of QUARTERDECK_URL runs on this machine. */
const PROXY_ON_THIS_MACHINE = ["127.0.0.0/8", "::1"];

export type ControlPlaneApiDeps = BoardRoutesDeps &
  SourcesDeps & {
    settings: Pick<
      ControlSettings,
      "host" | "publicUrl" | "sessionMaxMs" | "dataFolder" | "timezone"
    >;
    release: string;
    access: Access;
    database: Database;
    clock: Clock;
    log: Log;
    /** The role that deploys, whether it runs or not. */
    deploys: Deploys;
    /** The address on which it listens. */
    url: string;
    viewers(): number;
    framesSent(): number;
    problems(): readonly OpenProblem[];
    /** Writes lines of the access log. */
    writeLine(line: string): void;
    stopping: AbortSignal;
  };

export type ControlPlaneApi = {
  routes: readonly Route<MemberRule>[];
  listener: RequestListener;
  control: MemberAccess;
};

const routesAboutDeploys = (deps: ControlPlaneApiDeps): Route<MemberRule>[] => [
  ...deployRoutes(deps),
  ...freezeRoutes(deps),
  ...fleetRoutes(deps),
  ...edgeRoutes(deps),
];

/** The control plane's own API, over HTTP. */
export function createControlPlaneApi(deps: ControlPlaneApiDeps): ControlPlaneApi {
  const { settings, release, database, clock, log } = deps;
  const { meter, values } = createRouteMetrics();
  const reprocessing = openReprocessing({ ...deps, dataFolder: settings.dataFolder });
  const tokenUses = new TokenUses(clock);
  const own = [
    ...accessRoutes(deps),
    ...boardRoutes(deps),
    deployMarkersRoute(deps),
    ...eventRoutes(deps),
    ...eventDetailRoutes(deps),
    ...exportRoutes(deps),
    ...originalRoutes(deps),
    sourcesRoute(deps),
    sourceFormatsRoute(deps),
    ...manageSourcesRoutes(deps),
    ...quarantineRoutes({ ...deps, reprocessing }),
    ...rereadRoutes({ ...deps, reprocessing }),
    ...pushTokenRoutes(deps),
    ...formatRoutes({ ...deps, reprocessing }),
    ...routesAboutDeploys(deps),
    ...deployTokenRoutes({ settings, tokenUses }),
    ...helpRoutes,
    ...operationsRoutes({
      ...deps,
      otherMetrics: () => [...values(), ...receiverMetrics(settings.dataFolder, clock.nowMs())],
    }),
  ];
  const routes = [
    ...own,
    ...documentRoutes(description(deps.access.cookie.name), own, {
      url: settings.publicUrl ?? deps.url,
      release,
    }),
  ];
  const control = memberAccess({
    ...deps,
    origins: originRules(settings),
    deployTokens: tokenUses.watch(deployTokens.reader(settings.dataFolder)),
  });
  const listener = createListener(routes, {
    clock,
    log,
    access: control,
    database: withoutReplicas(database),
    lastWrites: createLastWrites(),
    headers: { "x-release": release },
    addressOf: clientAddressBy(settings.publicUrl === undefined ? [] : PROXY_ON_THIS_MACHINE),
    writeAccessLine: accessLine({
      base: ecsBase({ service: "quarterdeck", release, node: "1", clock }),
      dataset: "quarterdeck.access",
      // Member ids are random, so a plain hash cannot be reversed.
      hashUser: (id) => createHash("sha256").update(id).digest("hex").slice(0, 32),
      writeLine: deps.writeLine,
    }),
    meter,
    stopping: deps.stopping,
  });
  return { routes, listener, control };
}

const description = (cookieName: string) => ({
  title: "Quarterdeck control plane",
  description:
    "The API behind the pages of the control plane: boards, events, deploys, members and sessions.",
  security: sessionScheme(cookieName),
  tokens: deployTokenScheme,
});
