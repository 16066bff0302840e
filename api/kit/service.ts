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

/** One of the domain APIs, as data: what the kit needs to run, document and test it. */
export type Service = {
  name: ServiceName;
  title: string;
  /** What it is for, in a paragraph, for its documentation page. */
  description: string;
  /** Every permission that its routes ask for, and what a holder may do. */
  permissions: Readonly<Record<string, string>>;
  /** Of its own schema, which has its name. Expand first, contract in a later release. */
  migrations: RoomMigrations["migrations"];
  /** What it reads from the environment, beside what the kit reads. */
  settings?: SettingGroup;
  /** Opens it in one worker process, with the values of its settings. */
  open(kit: Kit, settings: Readonly<Record<string, unknown>>): Promise<OpenService>;
};

/** A service whose `open` gets its settings with their types. */
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
  /** What else it needs to be ready, by name; the database is checked anyway. Rejects when it is not there. */
  checks?: Readonly<Record<string, () => Promise<void>>>;
  /** Its own way to know a bearer token (Accounts); undefined where the token means nothing to it. */
  authenticate?: Authenticate;
  close?(): Promise<void>;
};

/** What a service is given. */
export type Kit = {
  /** Own URL, as others reach it: issuer of tokens, base of links. */
  url: string;
  clock: Clock;
  log: Log;
  database: ServiceDatabase;
  notifications: Notifications;
  jobs: Jobs;
  /**
   * Writes a fact of the domain as an ECS document to the log (stdout), such as a sign-in: dotted field names, without
   * the fields that every line has (time, service, version).
   */
  emit(fields: Readonly<Record<string, unknown>>): void;
  /** ECS `user.hash` of an account's id: the same in every service of an installation. */
  hashUser(accountId: string): string;
  /** Secret bytes of this installation for one purpose, derived from its root key. */
  secret(purpose: string): Buffer;
  /** Appends a domain event that others read at `GET /v1/events`; in the transaction of what happened. */
  publish(tx: Queryable, event: DomainEvent): Promise<void>;
};
