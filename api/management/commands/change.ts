import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { type Application, type Content, EMPTY, type Revision } from "../domain/application.ts";
import { checkSize, secretsIn } from "../domain/decide.ts";
import { type Change, advance, diff } from "../domain/diff.ts";
import type { ManagementKit } from "../kit.ts";
import { lockAnnounced, setAnnounced } from "../repositories/announcements.ts";
import { missingSecrets } from "../repositories/secrets.ts";
import type { SettingsStore } from "../store/port.ts";

export type ChangeDeps = { kit: ManagementKit; store: SettingsStore };

/** Who changes what, when and why. */
export type ChangeRequest = {
  application: string;
  by: string;
  reason: string;
  nowMs: number;
  traceId: string;
  /** See `Commit.request`. */
  request: string | undefined;
  /** @throws AppError when the change is not allowed */
  decide(current: Application): Content;
  /** The content of a new application; undefined if the request may not create one. */
  create?: () => Content;
};

export type Changed = { application: Application; changes: Change[] };

const ATTEMPTS_MAX = 20;
const ANNOUNCED_AT_ONCE = 100;

/**
 * Changes an application: one revision, or none when nothing differs. Retries with the new content after a concurrent
 * change.
 * @throws AppError not_found, conflict, unprocessable and what `decide` throws
 */
export async function change(
  deps: ChangeDeps,
  tx: Queryable,
  request: ChangeRequest,
): Promise<Changed> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const changed = (await doneBefore(deps, tx, request)) ?? (await attemptOf(deps, tx, request));
    if (changed === undefined) continue;
    await announce(deps, tx, request);
    return changed;
  }
  throw new AppError("conflict", "Too many concurrent changes of this application: try again.");
}

/** The result of an earlier attempt whose response was lost between the two stores. */
async function doneBefore(
  { store }: ChangeDeps,
  tx: Queryable,
  { application: name, request }: ChangeRequest,
): Promise<Changed | undefined> {
  const revision = request === undefined ? undefined : await store.done(tx, name, request);
  const current = revision && (await store.load(tx, name));
  if (!revision || !current) return undefined;
  const before = await store.revision(name, revision.revision - 1);
  return {
    application: { ...current, version: revision.revision, content: revision.content },
    changes: diff(before?.content ?? EMPTY, revision.content),
  };
}

async function attemptOf(
  { store }: ChangeDeps,
  tx: Queryable,
  request: ChangeRequest,
): Promise<Changed | undefined> {
  const { application: name, nowMs } = request;
  const current = await store.load(tx, name);
  const content = contentOf(current, request);
  await checkContent(tx, current?.content ?? EMPTY, content);
  const next = advance(current ?? newApplication(name, nowMs), { content, atMs: nowMs });
  if (current && next.changes.length === 0) return { application: current, changes: [] };
  const committed = await store.commit(tx, {
    application: next.application,
    revision: revisionOf(next.application, request),
    secrets: secretsIn(content),
    request: request.request,
  });
  return committed ? next : undefined;
}

function contentOf(current: Application | undefined, request: ChangeRequest): Content {
  if (current) return request.decide(current);
  if (request.create) return request.create();
  throw new AppError("not_found", `There is no application ${request.application}.`);
}

const newApplication = (name: string, nowMs: number): Application => ({
  name,
  version: 0,
  versions: { settings: {}, flags: {} },
  content: EMPTY,
  createdAtMs: nowMs,
  updatedAtMs: nowMs,
});

const revisionOf = (
  { name, version, content }: Application,
  { nowMs, by, reason }: ChangeRequest,
): Revision => ({ application: name, revision: version, atMs: nowMs, by, reason, content });

/** @throws AppError unprocessable when it is too large or refers to secrets that do not exist */
export async function checkContent(tx: Queryable, before: Content, after: Content): Promise<void> {
  checkSize(after);
  const known = new Set(secretsIn(before));
  const missing = await missingSecrets(
    tx,
    secretsIn(after).filter((name) => !known.has(name)),
  );
  if (missing.length === 0) return;
  throw new AppError(
    "unprocessable",
    `Unknown secret: ${missing.join(", ")}. Create it with PUT /v1/secrets/${missing[0]} first.`,
  );
}

/** Publishes what a process that crashed between the two stores did not. */
export const announceLater = (
  deps: ChangeDeps,
  { application }: { application: string },
): Promise<void> => deps.kit.database.transaction((tx) => announce(deps, tx, { application }));

/**
 * Publishes every unpublished revision in order and notifies watchers and caches, including revisions of a process
 * that crashed between the two stores.
 */
async function announce(
  { kit, store }: ChangeDeps,
  tx: Queryable,
  { application, traceId }: { application: string; traceId?: string },
): Promise<void> {
  let announced = await lockAnnounced(tx, application);
  for (;;) {
    const range = { after: announced, limit: ANNOUNCED_AT_ONCE };
    const revisions = await store.since(tx, application, range);
    for (const { revision, atMs, by } of revisions) {
      const data = { application, revision, by };
      const type = "application.changed";
      await kit.publish(tx, { type, subject: application, atMs, traceId, data });
    }
    const last = revisions.at(-1)?.revision;
    if (last === undefined) return;
    await setAnnounced(tx, application, last);
    announced = last;
  }
}
