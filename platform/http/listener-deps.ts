import type { IncomingMessage, ServerResponse } from "node:http";

import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { RouteMeter } from "../metrics/route-metrics.ts";
import type { LastWrites } from "../postgres/last-writes.ts";
import type { ServiceDatabase } from "../postgres/service-database.ts";
import type { AccessControl, BaseCaller, BaseRule } from "./access-control.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { RawParams } from "./request-input.ts";
import type { Route } from "./route.ts";
import type { Trace } from "./trace.ts";

/** The dependencies of the kit for serving the routes of a program. */
export type ListenerDeps<R extends BaseRule = BaseRule> = {
  clock: Clock;
  log: Log;
  access: AccessControl<R>;
  database: ServiceDatabase;
  lastWrites: LastWrites;
  /** Sent with every response. */
  headers: Readonly<Record<string, string>>;
  /** The general rate limit of each caller, if any. */
  limit?: RateLimit | undefined;
  /** IP address of the client. */
  addressOf(incoming: IncomingMessage): string;
  writeAccessLine(request: RequestState, status: number, tookMs: number): void;
  meter(route: { method: string; path: string }): RouteMeter;
  stopping: AbortSignal;
};

/** A request in progress. `caller` and `bytes` are undefined until they are known. */
export type RequestState = {
  route: Route<BaseRule>;
  trace: Trace;
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  rawParams: RawParams;
  address: string;
  caller: BaseCaller | undefined;
  /** Length of the response's body. */
  bytes: number | undefined;
};
