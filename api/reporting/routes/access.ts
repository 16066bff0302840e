import { AppError } from "#platform/errors.ts";
import { type Caller, scopesOf } from "#platform/http/caller.ts";

import { REPORTS, type Report } from "../commands/reports.ts";

export const READ = "reporting:reports:read";
export const SCHEDULES_WRITE = "reporting:schedules:write";
export const EXTRACTS_READ = "reporting:extracts:read";

/** The reports that a caller may read, run and schedule. */
export function reportsOf(caller: Caller): Report[] {
  const scopes = scopesOf(caller, READ);
  return scopes === "all" ? [...REPORTS] : REPORTS.filter(({ name }) => scopes.includes(name));
}

export const namesOf = (caller: Caller): string[] => reportsOf(caller).map(({ name }) => name);

export const mayRead = (caller: Caller, report: string): boolean =>
  namesOf(caller).includes(report);

/** @throws AppError forbidden */
export function checkMayRead(caller: Caller, report: string): void {
  if (mayRead(caller, report)) return;
  throw new AppError("forbidden", `This needs the permission ${READ} or ${READ}/${report}.`);
}
