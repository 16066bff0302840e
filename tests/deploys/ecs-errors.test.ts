import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { inspect } from "node:util";

import { expect, onTestFinished, test, vi } from "vitest";

import { temporaryFolder } from "#deployer/ecs-local/testing.ts";
import { AppError } from "#platform/errors.ts";
import { silentLog } from "#platform/log.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { readEcsFile } from "#server/deploys/ecs/ecs-file.ts";
import { openEcsFleet } from "#server/deploys/ecs/open-ecs-fleet.ts";
import { runDeploysRole } from "#server/deploys/run-deploys.ts";
import { deploysSettings } from "#server/settings.ts";

import { runProgram } from "../harness/program.ts";
import { ECS_YAML } from "./ecs-world.ts";

const SHOP = `
workloads:
  - name: shop
    command: [node, server.mjs]
    port: 8080
    image: registry.example.com/shop
    healthCommand: [curl, -fsS, "http://127.0.0.1:8080/healthz"]
`;

const BASE = {
  QUARTERDECK_ECS_REGION: "eu-west-1",
  QUARTERDECK_EDGE: "remote",
  QUARTERDECK_EDGE_NODES: "lb1=127.0.0.1:1",
  AWS_ENDPOINT_URL_ECS: "http://127.0.0.1:1",
  AWS_ACCESS_KEY_ID: "AKIATEST",
  AWS_SECRET_ACCESS_KEY: "secret",
};

type Env = Readonly<Record<string, string>>;
type World = {
  ecs?: string;
  workloads?: string;
  env?: Env;
  atStop?: "stop-tasks" | "keep-tasks";
  prepare?: (data: string) => void;
};

function dataFolderOf({ ecs = ECS_YAML, workloads = SHOP, prepare }: World): string {
  const data = temporaryFolder();
  if (ecs !== "") writeFileSync(path.join(data, "ecs.yaml"), ecs);
  writeFileSync(path.join(data, "workloads.yaml"), workloads);
  prepare?.(data);
  return data;
}

function setEnvironment(env: Env): void {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

/** Why the role does not start. */
async function refusalOf(world: World): Promise<string> {
  const { env = {}, atStop = "keep-tasks" } = world;
  setEnvironment({ ...BASE, ...env, QUARTERDECK_DATA: dataFolderOf(world) });
  const started = async (): Promise<void> => {
    const { deploys: settings } = parseSettings({ deploys: deploysSettings }, process.env);
    const options = { settings, env: process.env, log: silentLog(), atStop, servesApis: false };
    await runDeploysRole(options, AbortSignal.timeout(20_000));
  };
  return started().then(
    () => "It has started.",
    (error: unknown) => (error instanceof AppError ? error.message : inspect(error)),
  );
}

/** A server that gives the same answer or error to every request, as Amazon ECS does. */
async function answering(answer: object): Promise<{ AWS_ENDPOINT_URL_ECS: string }> {
  const server = createServer((_request, response) => {
    response.writeHead("__type" in answer ? 400 : 200, {
      "content-type": "application/x-amz-json-1.1",
    });
    response.end(JSON.stringify(answer));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  const { port } = server.address() as AddressInfo;
  return { AWS_ENDPOINT_URL_ECS: `http://127.0.0.1:${port}` };
}

const APIS = `
apis:
  registry: 111122223333.dkr.ecr.eu-west-1.amazonaws.com
  fileSystem: fs-1
  accessPoint: fsap-1
`;
const ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x-AbCdEf";

test.each<[string, World, RegExp]>([
  [
    "a region that is none",
    { env: { QUARTERDECK_ECS_REGION: "europe" } },
    /QUARTERDECK_ECS_REGION="europe": give a region/,
  ],
  [
    "the local edge",
    { env: { QUARTERDECK_EDGE: "local" } },
    /needs QUARTERDECK_EDGE=remote with nodes in the VPC/,
  ],
  ["--stop-tasks", { atStop: "stop-tasks" }, /--stop-tasks is for tasks of this machine/],
  ["no ecs.yaml", { ecs: "" }, /ecs\.yaml is missing: describe there where tasks run/],
  [
    "an account without quotes",
    { ecs: ECS_YAML.replaceAll('"', "") },
    /ecs\.yaml: line 2: account: give the 12 digits of the account in quotes/,
  ],
  [
    "a subnet that is none",
    { ecs: ECS_YAML.replace("subnet-1", "10.0.0.0") },
    /line 4: subnets\.0: give ids of subnets/,
  ],
  [
    "no security groups",
    { ecs: ECS_YAML.replace(/securityGroups.*/, "") },
    /securityGroups: give a list of ids of security groups/,
  ],
  ["an unknown field", { ecs: `${ECS_YAML}subnet: x\n` }, /Unrecognized key: "subnet"/],
  [
    "missing secrets and settings of the APIs",
    {
      ecs: `${ECS_YAML}${APIS}  secrets: {DATABASE_URL: "${ARN}"}\n  settings: {API_WORKERS: 2}\n`,
    },
    /apis\.secrets\.API_ROOT_KEY: is missing: .*apis\.settings\.API_ACCOUNTS_URL: is missing: /,
  ],
  [
    "a secret among the settings, a wrong value and an unknown setting",
    {
      ecs: `${ECS_YAML}${APIS}  secrets: {DATABASE_URL: hunter2}\n  settings: {API_ROOT_KEY: hunter2, API_WORKERS: many, API_WORKER: 1}\n`,
    },
    /line 11: apis\.secrets\.DATABASE_URL: give the ARN of a secret.*API_ROOT_KEY: it is a secret: give its ARN in apis\.secrets.*API_WORKERS: give a number of processes.*API_WORKER: no API reads a setting/,
  ],
  [
    "a workload without an image",
    { workloads: SHOP.replace(/image.*/, "releases: x") },
    /workloads\.yaml: line 3: workloads\.0\.image: give the image on Amazon ECS without a tag/,
  ],
  [
    "no workload",
    { workloads: "workloads: []" },
    /There are no workloads: describe the domain APIs in ecs\.yaml, or others in .*workloads\.yaml/,
  ],
  [
    "deploys of this machine",
    { prepare: (data) => mkdirSync(path.join(data, "deploys", "fleet"), { recursive: true }) },
    /are those of this machine\. Use another data folder/,
  ],
])("%s: the role says what to do, and starts nothing", async (_name, world, message) => {
  const isLater = world.prepare !== undefined;
  const env = isLater
    ? await answering({ clusters: [{ clusterName: "shop", status: "ACTIVE" }] })
    : {};
  const refusal = await refusalOf({ ...world, env: { ...env, ...world.env } });
  expect(refusal).toMatch(message);
  expect(refusal).not.toContain("hunter2");
});

test.each<[string, object, RegExp]>([
  [
    "a missing permission",
    {
      __type: "AccessDeniedException",
      message: "User: arn:aws:iam::1:user/q is not authorized to perform: ecs:DescribeClusters",
    },
    /answered AccessDeniedException: .* ecs:DescribeClusters\. Give the user or the role of this process the policy policies\/deployer\.json/,
  ],
  [
    "a missing cluster",
    { clusters: [], failures: [{ reason: "MISSING" }] },
    /has no cluster shop\. Create the cluster, or correct `cluster` in ecs\.yaml/,
  ],
  [
    "a deleted cluster",
    { clusters: [{ clusterName: "shop", status: "INACTIVE" }] },
    /has no cluster shop/,
  ],
  [
    "expired credentials",
    {
      __type: "ExpiredTokenException",
      message: "The security token included in the request is expired",
    },
    /credentials of this process have expired: renew them/,
  ],
  [
    "unknown credentials",
    {
      __type: "UnrecognizedClientException",
      message: "The security token included in the request is invalid.",
    },
    /is invalid\. The AWS credentials of this process are not valid: correct AWS_ACCESS_KEY_ID/,
  ],
])("%s: the role says what to do, and ends", async (_name, answer, message) => {
  expect(await refusalOf({ env: await answering(answer) })).toMatch(message);
});

test("no credentials: the role says where to give them", async () => {
  const refusal = await refusalOf({
    env: {
      ...(await answering({})),
      AWS_ACCESS_KEY_ID: "",
      AWS_SECRET_ACCESS_KEY: "",
      AWS_EC2_METADATA_DISABLED: "true",
      HOME: temporaryFolder(),
    },
  });
  expect(refusal).toMatch(/There are no AWS credentials \(.*\): set AWS_ACCESS_KEY_ID/);
});

test("throttling keeps no role from starting, as its tasks have to be looked after", async () => {
  const throttled = { __type: "ThrottlingException", message: "Rate exceeded" };
  const env = { ...BASE, ...(await answering(throttled)) };
  setEnvironment(env);
  const fleet = await openEcsFleet(readEcsFile(dataFolderOf({}), "eu-west-1"), silentLog());
  onTestFinished(() => fleet.close("keep-tasks"));
  const client = fleet.client.until(AbortSignal.timeout(300));
  await expect(client.services(["web-blue"])).rejects.toThrow(
    /did not answer in time\. The fleet answered ThrottlingException: Rate exceeded\. Requests/,
  );
}, 60_000);

test("the command prints the mistake and ends with a failure", async () => {
  const data = dataFolderOf({ ecs: "cluster: shop\n" });
  const { code, output } = await runProgram(["role", "deploys", "--data", data], { env: BASE });
  expect([code, output]).toEqual([
    2,
    expect.stringMatching(/^quarterdeck: \S.*ecs\.yaml: line 1: account: give the 12 digits .*\n$/),
  ]);
});
