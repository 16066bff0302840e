/* The handler of each job of `jobs.ts`, exported under its kind. */
export { performRun as run } from "./commands/runs.ts";
export { performSchedule as schedule } from "./commands/schedules.ts";
