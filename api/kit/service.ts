import type { Clock } from "#platform/clock.ts";
import type { Notifications } from "#platform/events/notifications.ts";
import type { DomainEvent } from "#platform/events/outbox.ts";
import type { Route } from "#platform/http/route.ts";
import type { Authenticate } from "#platform/http/tokens.ts";
import type { JobHandlers, Jobs } from "#platform/jobs/jobs.ts";
import type { Log } from "#platform/log.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import type { RoomMigrations } from "#platform/postgres/migrate.ts";
import type { ServiceDatabase } from "#platform/postgres/service-database.ts";
import type { SettingGroup, SettingsOf } from "#platform/settings/settings.ts";

export const SERVICE_NAMES = ["accounts", "billing", "management", "logging", "reporting"] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** A domain API as data: what the kit needs to run, document and test it. */
export type Service = {
  name: ServiceName;
  title: string;
  /** One paragraph for its documentation page. */
  description: string;
  /** Every permission that its routes require, with its meaning. */
  permissions: Readonly<Record<string, string>>;
  /** Of the schema named after the service. Expand first, contract in a later release. */
  migrations: RoomMigrations["migrations"];
  /** Its own settings, beside the kit's. */
  settings?: SettingGroup;
  /** Opens it in one worker process. */
  open(kit: Kit, settings: Readonly<Record<string, unknown>>): Promise<OpenService>;
};

/** A service whose `open` gets its typed settings. */
export function defineService<Group extends SettingGroup>(
  service: Omit<Service, "settings" | "open"> & {
    settings: Group;
    open(kit: Kit, settings: SettingsOf<Group>): Promise<OpenService>;
  },
): Service {
  return service;
}

export type OpenService = {
  routes: readonly Route[];
  jobs?: JobHandlers;
  /** Money hangs on its jobs: none is given up on, whatever has happened to it. */
  patient?: boolean;
  /** Readiness checks by name, beside the database; each rejects when not ready. */
  checks?: Readonly<Record<string, () => Promise<void>>>;
  /** Authenticates bearer tokens by its own data (Accounts); undefined for unknown tokens. */
  authenticate?: Authenticate;
  close?(): Promise<void>;
};

/** What the kit provides to a service. */
export type Kit = {
  /** Public URL: issuer of tokens, base of links. */
  url: string;
  clock: Clock;
  log: Log;
  database: ServiceDatabase;
  notifications: Notifications;
  jobs: Jobs;
  /**
   * Writes a domain event such as a sign-in as an ECS document to the log (stdout): dotted field names, without the
   * fields of every line (time, service, version).
   */
  emit(fields: Readonly<Record<string, unknown>>): void;
  /** ECS `user.hash` of an account id, equal in all services of an installation. */
  hashUser(accountId: string): string;
  /** A key for one purpose, derived from the installation's root key. */
  secret(purpose: string): Buffer;
  /** Appends a domain event that others read at `GET /v1/events`; in the transaction of what happened. */
  publish(tx: Queryable, event: DomainEvent): Promise<void>;
};
