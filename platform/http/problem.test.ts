import { expect, test } from "vitest";

import { silentLog } from "../log.ts";
import { problemHeaders, problemOf } from "./problem.ts";

test.each([
  Object.assign(new Error("EMFILE: too many open files, open '/data/x'"), { code: "EMFILE" }),
  new Error("IO Error: Cannot open file: Too many open files"),
  new Error("the database does not respond", {
    cause: Object.assign(new Error("connect EMFILE"), { code: "EMFILE" }),
  }),
])("a lack of open files is a 503 that says what to do, without a path: %s", (error) => {
  const problem = problemOf(error, silentLog());
  expect(problem.status).toBe(503);
  expect(problem.detail).toContain("ulimit -n");
  expect(problem.detail).not.toContain("/data");
  expect(problemHeaders(error)).toMatchObject({ "retry-after": "1" });
});
