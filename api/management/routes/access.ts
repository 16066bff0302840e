import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isDeepStrictEqual } from "node:util";

import { AppError } from "#platform/errors.ts";
import { type Caller, scopesOf } from "#platform/http/caller.ts";

import { type Changed, type ChangeDeps, type ChangeRequest, change } from "../commands/change.ts";
import type { StateCache } from "../commands/state-cache.ts";
import type { WakeUps } from "../commands/watch.ts";
import type { Application, Content } from "../domain/application.ts";

export type RouteDeps = ChangeDeps & {
  cache: StateCache;
  wakeUps: WakeUps;
  /** Called before a change stored outside PostgreSQL, to guarantee that it is announced. */
  ensureAnnounced(application: string): Promise<void>;
};

/** Whether a permission covers an application: `…:read` all, `…:read/shop` or `…:read/shop-*` some. */
export function mayIn(caller: Caller, permission: string, application: string): boolean {
  const scopes = scopesOf(caller, permission);
  if (scopes === "all") return true;
  return scopes.some((scope) =>
    scope.endsWith("*") ? application.startsWith(scope.slice(0, -1)) : scope === application,
  );
}

/** @throws AppError forbidden */
export function checkIn(caller: Caller, permission: string, application: string): void {
  if (mayIn(caller, permission, application)) return;
  throw new AppError("forbidden", `This needs the permission ${permission} for ${application}.`);
}

export const READ = "management:settings:read";
export const WRITE = "management:settings:write";
export const FLAGS_WRITE = "management:flags:write";

/** The caller as recorded in revisions. */
export const byOf = (caller: Caller): string => (caller.kind === "root" ? "root" : caller.id);

/** The parts of a handler's call that a change needs. */
export type Calling = {
  params: { application: string };
  caller: Caller;
  nowMs: number;
  traceId: string;
  incoming: IncomingMessage;
};

type RequestedChange = Pick<ChangeRequest, "decide" | "create" | "reason">;

/** Builds the change request of a call, with who, when and why. */
export function changeRequest(
  call: Calling,
  operation: string,
  requested: RequestedChange,
): ChangeRequest {
  const key = call.incoming.headers["idempotency-key"];
  const by = byOf(call.caller);
  const { application } = call.params;
  return {
    application,
    by,
    nowMs: call.nowMs,
    traceId: call.traceId,
    request:
      key === undefined
        ? undefined
        : createHash("sha256")
            .update([operation, by, String(key)].join("\n"))
            .digest("hex"),
    ...requested,
  };
}

/**
 * A change of a whole application may include flags, which need a separate permission.
 * @throws AppError forbidden
 */
export function checkFlagsIn(caller: Caller, application: string, flags: FlagsChange): void {
  if (isDeepStrictEqual(flags.before, flags.after)) return;
  checkIn(caller, FLAGS_WRITE, application);
}

type FlagsChange = Record<"before" | "after", Content["flags"]>;

type Write<Result> = (
  work: (tx: Parameters<typeof change>[1]) => Promise<Result>,
) => Promise<Result>;

/** Changes an application and responds in one transaction, then updates the cache of this process. */
export async function changeAndRespond<Result>(
  deps: RouteDeps,
  write: Write<Result>,
  { request, response }: { request: ChangeRequest; response(changed: Changed): Result },
): Promise<Result> {
  await deps.ensureAnnounced(request.application);
  const done: Changed[] = [];
  const result = await write(async (tx) => {
    const changed = await change(deps, tx, request);
    done.push(changed);
    return response(changed);
  });
  for (const { application, changes } of done) {
    deps.cache.raise(application.name, application.version);
    if (changes.length > 0) deps.kit.emit(factOf(request, application, deps.kit));
  }
  return result;
}

/** ECS event of a change. New values are only in the history, because readers of logs may lack permission for them. */
function factOf(
  { by, traceId }: ChangeRequest,
  { name, version }: Application,
  kit: RouteDeps["kit"],
): Record<string, unknown> {
  return {
    "log.level": "info",
    message: `${name} is at revision ${version}`,
    "event.kind": "event",
    "event.category": ["configuration"],
    "event.type": ["change"],
    "event.action": "application-changed",
    "event.outcome": "success",
    "labels.application": name,
    "labels.revision": String(version),
    "trace.id": traceId,
    ...(by === "root" ? {} : { "user.hash": kit.hashUser(by) }),
  };
}

/**
 * Changing an existing item requires If-Match with its version; a new one needs none.
 * @throws AppError precondition_required, precondition_failed
 */
export function checkKeyVersion(
  call: { ifMatch: number | undefined; incoming: IncomingMessage },
  current: number | undefined,
): void {
  const header = call.incoming.headers["if-match"];
  if (current === undefined) {
    if (header === undefined) return;
    throw new AppError("precondition_failed", "It no longer exists.");
  }
  if (header === undefined) {
    throw new AppError(
      "precondition_required",
      "It already exists: send If-Match with the ETag that you read, so that no concurrent change is lost.",
    );
  }
  if (call.ifMatch === undefined || call.ifMatch === current) return;
  throw new AppError(
    "precondition_failed",
    `It has changed: you have version ${call.ifMatch}, the current one is ${current}. Read it again and retry.`,
  );
}
