import type { Service, Task } from "../state.ts";

const EVENTS_MAX = 100;

export type At = { nowMs: number; newId(): string };

/** Adds an event, worded as Amazon ECS words it. */
export function addEvent(service: Service, message: string, { nowMs, newId }: At): Service {
  const event = {
    id: uuidFrom(newId()),
    createdAtMs: nowMs,
    message: `(service ${service.name}) ${message}`,
  };
  return { ...service, events: [event, ...service.events].slice(0, EVENTS_MAX) };
}

/** Adds an event unless it is the latest one already. */
export function addEventOnce(service: Service, message: string, at: At): Service {
  const isLatest = service.events[0]?.message === `(service ${service.name}) ${message}`;
  return isLatest ? service : addEvent(service, message, at);
}

export const namesOf = (tasks: readonly Task[]): string =>
  tasks.map(({ id }) => `(task ${id})`).join(" ");

const uuidFrom = (hex: string): string =>
  hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
