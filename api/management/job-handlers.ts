/* The handler of each job of `jobs.ts`, exported under its kind. */
export { announceLater as announce } from "./commands/change.ts";
