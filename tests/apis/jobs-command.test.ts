import { mkdir, writeFile } from "node:fs/promises";

import { expect, test } from "vitest";

import { TEST_ROOT_KEY, testService } from "#api/kit/testing.ts";
import { management } from "#api/management/service.ts";

import { runProgram, temporaryFolder } from "../harness/program.ts";

test("an operator lists, inspects, retries and drops failed jobs, with the root key of the data folder", async () => {
  await using folder = await temporaryFolder();
  await mkdir(`${folder.path}/api`);
  await writeFile(`${folder.path}/api/root-key`, `${TEST_ROOT_KEY}\n`);
  await using service = await testService(management);
  const insert =
    "INSERT INTO jobs (kind, payload, run_at, failed_at, last_error) VALUES ('announce', $1, now(), now(), $2)";
  const payload = { application: "shop", old: "\u001b[31mred" };
  for (const error of ["first", "second\nwith a second line"]) {
    await service.database.query(insert, [payload, error]);
  }
  const port = new URL(service.url).port;
  const jobs = (...args: string[]) =>
    runProgram(["jobs", "management", ...args, "--port", port, "--data", folder.path], {
      env: { API_ROOT_KEY: "" },
    });
  const { stdout: listed } = await jobs("list", "failed");
  expect(listed).toMatch(/^ +1 {2}failed .*announce .*first\n +2 {2}failed .*announce .*second\n$/);
  const { stdout: shown } = await jobs("show", "1");
  expect(shown).toMatch(/payload +\{"old":"\[redacted\]","application":"shop"\}/);
  expect((await jobs("retry", "1")).stdout).toMatch(/^ +1 {2}waiting .*attempts: 0/);
  expect((await jobs("drop", "2")).code).toBe(0);
  await service.runJobs();
  expect((await jobs("list")).stdout).toBe("");
  const dropped = await jobs("drop", "2");
  expect(dropped.code).toBe(1);
  expect(dropped.output).toContain("There is no job 2");
  const misused = await jobs("explain", "2");
  expect(misused.code).toBe(2);
});

test("if the API is unavailable, the command names the URL that it tried", async () => {
  const args = ["jobs", "billing", "list", "--port", "1"];
  const { code, output } = await runProgram(args, { env: { API_ROOT_KEY: TEST_ROOT_KEY } });
  expect(code).toBe(1);
  expect(output).toContain("The billing API does not answer at http://127.0.0.1:1");
});
