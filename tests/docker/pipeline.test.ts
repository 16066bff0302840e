import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { chmod, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

import { describe, expect, test } from "vitest";

import { SERVICE_NAMES } from "#api/kit/service.ts";

import { IS_BUILT, startControlPlane } from "../harness/control-plane.ts";
import { ROOT, runProgram, temporaryFolder, until } from "../harness/program.ts";

const run = promisify(execFile);
const TEMPLATE = path.join(ROOT, "docker/gitlab/deploy.gitlab-ci.yml");
const JOB_MS_MAX = 150_000;
const STAGING = "bash .ci/deploy-staging";
/** Options that make a deploy as short as it can be. */
const QUICK = ["--strategy", "all-at-once", "--observe", "0.5", "--bake", "0", "--drain", "1"];

/** A repository whose pipeline is the example in the template. */
async function writeRepository(folder: string): Promise<string> {
  const name = path.basename(TEMPLATE);
  await copyFile(TEMPLATE, path.join(folder, name));
  const text = await readFile(TEMPLATE, "utf8");
  const example = [...text.matchAll(/^# {3}(.*)$/gm)].map(([, line = ""]) => line).join("\n");
  await writeFile(path.join(folder, ".gitlab-ci.yml"), `stages: [deploy]\n${example}\n`);
  const git = (...args: string[]) => run("git", args, { cwd: folder });
  await git("init", "--quiet", "--initial-branch", "main");
  await git("add", ".");
  const author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.test"];
  await git(...author, "commit", "--quiet", "--message", "Deploy");
  const { stdout } = await git("rev-parse", "--short=8", "HEAD");
  return stdout.trim();
}

/** The command as an image has it. */
async function writeCommand(folder: string): Promise<void> {
  await mkdir(folder);
  const file = path.join(folder, "quarterdeck");
  await writeFile(file, `#!/bin/sh\nexec "${process.execPath}" "${ROOT}/bin/cli.mjs" "$@"\n`);
  await chmod(file, 0o755);
}

describe.runIf(IS_BUILT)("the pipeline for GitLab", () => {
  test(
    "deploys the commit, and the job tells how it ended",
    { timeout: 2 * JOB_MS_MAX },
    async () => {
      await using folder = await temporaryFolder();
      const [repository, programs] = [`${folder.path}/repository`, `${folder.path}/programs`];
      await mkdir(repository);
      const commit = await writeRepository(repository);
      await writeCommand(programs);
      const data = `${folder.path}/data`;
      await using plane = await startControlPlane(["--data", data], { deploys: true });
      const made = await runProgram([
        "token",
        "add",
        "gitlab",
        "--deploys",
        "billing",
        "--data",
        data,
      ]);
      await until("the role deploys", async () => {
        const { code } = await runProgram(["deploys", "--data", data]);
        return code === 0;
      });
      const token = made.stdout.trim().split("\n")[1] ?? "";
      const runJob = (name: string, secret: string) => {
        const variables = { QUARTERDECK_URL: plane.url, QUARTERDECK_TOKEN: secret };
        const assigned = Object.entries(variables).map(([key, value]) => `${key}=${value}`);
        const place = ["--cwd", path.relative(ROOT, repository)];
        const given = assigned.flatMap((it) => ["--variable", it]);
        const args = [...place, "--force-shell-executor", ...given];
        const env = { ...process.env, PATH: `${programs}:${process.env["PATH"]}` };
        const program = path.join(ROOT, "node_modules/.bin/gitlab-ci-local");
        return run(program, [...args, name], { cwd: ROOT, env, timeout: JOB_MS_MAX }).then(
          ({ stdout }) => stdout,
          ({ stdout }: { stdout: string }) => stdout,
        );
      };
      expect(await runJob("deploy billing", "none")).toMatch(/ FAIL [\s\S]*This token is unknown/);
      expect(await runJob("deploy billing", token)).toMatch(/ PASS /);
      const list = await runProgram(["deploys", "--service", "billing", "--data", data]);
      expect(list.stdout).toContain(commit);
    },
  );
});

describe.runIf(IS_BUILT)("the job staging of this repository", () => {
  test("deploys the commit to all APIs of a local staging", { timeout: 600_000 }, async () => {
    const pipeline = await readFile(path.join(ROOT, ".gitlab-ci.yml"), "utf8");
    expect(pipeline).toContain(STAGING);
    await using folder = await temporaryFolder();
    // Other tests use the same ports at addresses of their own.
    const host = `127.${randomInt(200, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`;
    await using _ = await startControlPlane(["--data", folder.path], {
      deploys: true,
      env: { DATABASE_URL: "", QUARTERDECK_EDGE_HOST: host },
    });
    const env = {
      ...process.env,
      QUARTERDECK_DATA: folder.path,
      CI_COMMIT_SHORT_SHA: "0a1b2c3d",
      CI_PIPELINE_ID: "7",
    };
    const [program = "", ...args] = [...STAGING.split(" "), ...QUICK];
    await run(program, args, { cwd: ROOT, env });
    const { stdout } = await runProgram(["deploys", "--data", folder.path]);
    for (const name of SERVICE_NAMES) expect(stdout).toContain(`${name} serves 0a1b2c3d`);
  });
});
