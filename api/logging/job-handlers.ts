/* The handler of each job of `jobs.ts`, exported under its kind. */
export { applyRules as "apply-retention" } from "./commands/set-retention.ts";
