import type { Clock } from "#platform/clock.ts";
import type { DomainEvent, EventDefinition, Publish } from "#platform/events/define-event.ts";
import type { Notifications } from "#platform/events/notifications.ts";
import type { Route } from "#platform/http/route.ts";
import type { Authenticate } from "#platform/http/tokens.ts";
import type { AnyJobHandlers, JobDefinition, JobHandlers } from "#platform/jobs/define-job.ts";
import type { AnyJobs, Jobs } from "#platform/jobs/jobs.ts";
import type { PeriodicTask } from "#platform/jobs/periodic-tasks.ts";
import type { Log } from "#platform/log.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import type { ModuleMigrations } from "#platform/postgres/migrate.ts";
import type { ServiceDatabase } from "#platform/postgres/service-database.ts";
import type { SettingGroup, SettingsOf } from "#platform/settings/settings.ts";

export const SERVICE_NAMES = ["accounts", "billing", "management", "logging", "reporting"] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** The description of a domain API: everything that the kit needs to run, document and test it. */
export type Service = {
  name: ServiceName;
  title: string;
  /** One paragraph for its documentation page. */
  description: string;
  /** Migrations of the schema named after the service. Expand first, contract in a later release. */
  migrations: ModuleMigrations["migrations"];
  /** Its own settings, in addition to the kit's. */
  settings?: SettingGroup;
  /** The purposes for which it uses `Kit.secret`. */
  secrets?: readonly string[];
  /** The kinds of jobs that it queues and handles. */
  jobs: readonly JobDefinition[];
  /** The domain events that it publishes. */
  events: readonly EventDefinition[];
  /** Opens the service in one worker process. */
  open(kit: AnyKit, settings: Readonly<Record<string, unknown>>): Promise<OpenService>;
};

/**
 * A service whose `open` gets its typed settings, adds and handles exactly the declared jobs, and publishes
 * only the declared events.
 */
export function defineService<
  Group extends SettingGroup,
  Job extends JobDefinition,
  Event extends EventDefinition,
>(
  service: Omit<Service, "settings" | "jobs" | "events" | "open"> & {
    settings: Group;
    jobs: readonly Job[];
    events: readonly Event[];
    open(
      kit: KitOf<Job, Event>,
      settings: SettingsOf<Group>,
    ): Promise<OpenService<JobHandlers<Job>>>;
  },
): Service {
  return service;
}

export type OpenService<Handlers extends AnyJobHandlers = AnyJobHandlers> = {
  routes: readonly Route[];
  jobs: Handlers;
  /** Started and run by the kit. */
  tasks?: readonly PeriodicTask[];
  /** Readiness checks by name, beside the database; each rejects when not ready. */
  checks?: Readonly<Record<string, () => Promise<void>>>;
  /** Authenticates bearer tokens by its own data (Accounts); undefined for unknown tokens. */
  authenticate?: Authenticate;
  close?(): Promise<void>;
};

/** The parts of the kit that a service uses. */
export type Kit = {
  /** Public URL: issuer of tokens, base of links. */
  url: string;
  clock: Clock;
  log: Log;
  database: ServiceDatabase;
  notifications: Notifications;
  /**
   * Writes a domain event such as a sign-in as an ECS document to the log (stdout): dotted field names, without the
   * fields of every line (time, service, version).
   */
  emit(fields: Readonly<Record<string, unknown>>): void;
  /** ECS `user.hash` of an account id, equal in all services of an installation. */
  hashUser(accountId: string): string;
  /** A key for one purpose that the service declares, derived from the installation's root key. */
  secret(purpose: string): Buffer;
};

/** The kit of a service that declares these jobs and events. */
export type KitOf<Job extends JobDefinition, Event extends EventDefinition> = Kit & {
  jobs: Jobs<Job>;
  publish: Publish<Event>;
};

/** The kit before a service's declarations narrow it. */
export type AnyKit = Kit & {
  jobs: AnyJobs;
  publish(tx: Queryable, event: DomainEvent): Promise<void>;
};
