import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { billing } from "#api/billing/service.ts";
import { dropDatabase, newServiceDatabase } from "#api/kit/test-database.ts";
import { openEndpoint } from "#deployer/ecs-local/open-endpoint.ts";
import { openLocalClient } from "#deployer/ecs-local/open-local-client.ts";
import { temporaryFolder } from "#deployer/ecs-local/testing.ts";
import { isInPath } from "#deployer/edge/processes/find-program.ts";
import { endpointOf } from "#deployer/fleet/read-task.ts";
import { waitForService } from "#deployer/fleet/testing-wait-for-service.ts";
import { localManifest } from "#deployer/fleet/workload.ts";
import { silentLog } from "#platform/log.ts";
import { apiWorkloads } from "#server/apis/workloads.ts";

import { ROOT } from "../harness/program.ts";

const START_MS_MAX = 100_000;

test("an API runs as tasks of the local fleet, and a task that stops serves until it is left alone", async () => {
  const folder = temporaryFolder();
  const endpoint = await openEndpoint({ folder: path.join(folder, "ecs"), log: silentLog() });
  onTestFinished(() => endpoint.stop());
  const fleet = await openLocalClient(endpoint);
  onTestFinished(() => fleet.close());
  const hasNginx = isInPath("nginx");
  const workload = apiWorkloads({ hasNginx }).find(({ name }) => name === "billing");
  if (!workload) throw new Error("there is no workload billing");

  const database = await newServiceDatabase(billing);
  onTestFinished(() => dropDatabase(database));
  const data = path.join(folder, "data");
  await mkdir(data);
  await writeFile(path.join(data, "database-url"), database, { mode: 0o600 });
  const environment = {
    QUARTERDECK_DATA: data,
    DATABASE_URL_FILE: path.join(data, "database-url"),
    API_RELEASE: "r2",
    API_WORKERS: "1",
  };
  const manifest = localManifest(workload, { folder: ROOT, name: "r2", environment });
  const first = await fleet.register(manifest, { deployId: "deploy-1", tags: {} });
  await fleet.ensureService({ name: "billing-blue", taskDefinition: first, count: 0, tags: {} });
  const taskDefinition = await fleet.register(manifest, { deployId: "deploy-2", tags: {} });
  const deploymentId = await fleet.deploy("billing-blue", { taskDefinition, count: 2 });
  const { signal } = new AbortController();
  const target = { count: 2, deploymentId, timeoutMs: START_MS_MAX, signal };
  await waitForService(fleet, "billing-blue", target);

  const urls = (await fleet.tasks("billing-blue")).map((task) => {
    const at = endpointOf(task, workload.port);
    return `http://${at?.host}:${at?.port}`;
  });
  expect(new Set(urls).size).toBe(2);
  for (const at of urls) {
    // A task is healthy as soon as it is alive, and ready when its workers are.
    const answer = async (): Promise<unknown> => {
      const response = await fetch(`${at}${workload.checkPath}`);
      return [response.status, response.headers.get("x-release")];
    };
    await expect.poll(answer).toEqual([200, "r2"]);
  }
  await fleet.scale("billing-blue", 0);
  if (hasNginx) {
    const [at = ""] = urls;
    const statusOf = async (place: string): Promise<number> =>
      (await fetch(`${at}${place}`)).status;
    await expect.poll(() => statusOf(workload.checkPath), { interval: 50 }).toBe(503);
    expect(await statusOf("/livez")).toBe(200);
  }
  const ends = async (): Promise<string[]> =>
    (await fleet.tasks("billing-blue", "STOPPED"))
      .filter(({ lastStatus }) => lastStatus === "STOPPED")
      .flatMap(({ containers }) => containers)
      .map(({ name, exitCode, reason }) => `${name} ended with ${exitCode ?? reason}`)
      .toSorted();
  await expect.poll(ends, { timeout: START_MS_MAX }).toEqual(
    workload.programs
      .map(({ name }) => `${name} ended with 0`)
      .flatMap((end) => [end, end])
      .toSorted(),
  );
});
