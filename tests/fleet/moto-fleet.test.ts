import { CreateClusterCommand, ECSClient } from "@aws-sdk/client-ecs";
import { expect, onTestFinished, test } from "vitest";

import { EcsFleet } from "#deployer/fleet/ecs-fleet.ts";
import { endpointOf } from "#deployer/fleet/read-task.ts";

import { defaultNetwork, startMoto } from "../harness/moto.ts";

const CLUSTER = "quarterdeck";

test("the client of the fleet does its work with moto: services, a one-off task with its own command and its address, tags", async (context) => {
  await using moto = await startMoto();
  if (!moto) return context.skip();
  const credentials = { accessKeyId: "testing", secretAccessKey: "testing" };
  const ecs = new ECSClient({
    endpoint: moto.url,
    region: "eu-west-1",
    credentials,
    maxAttempts: 1,
  });
  onTestFinished(() => ecs.destroy());
  const fleet = new EcsFleet(ecs, {
    cluster: CLUSTER,
    launchType: "FARGATE",
    network: await defaultNetwork(moto),
  });
  await expect(fleet.checkCluster()).rejects.toThrow(/no cluster quarterdeck/);
  await ecs.send(new CreateClusterCommand({ clusterName: CLUSTER }));
  await fleet.checkCluster();

  const manifest = {
    family: "web",
    networkMode: "awsvpc",
    requiresCompatibilities: ["FARGATE"],
    cpu: "256",
    memory: "512",
    containerDefinitions: [
      { name: "app", image: "web:r1", memory: 512, portMappings: [{ containerPort: 8080 }] },
    ],
  };
  const tags = { "ctl:release": "r1" };
  const taskDefinition = await fleet.register(manifest, { deployId: "dep_1", tags });
  expect(await fleet.register(manifest, { deployId: "dep_1", tags })).toBe(taskDefinition);
  expect(await fleet.tagsOf(taskDefinition)).toMatchObject(tags);
  await fleet.ensureService({ name: "web-blue", taskDefinition, count: 0, tags: {} });
  const next = await fleet.register(manifest, { deployId: "dep_2", tags });
  await fleet.deploy("web-blue", { taskDefinition: next, count: 2 });
  expect(await fleet.currentService("web-blue")).toMatchObject({ desiredCount: 2 });
  await fleet.scale("web-blue", 1);
  expect(await fleet.services(["web-blue", "web-green"])).toMatchObject([
    { name: "web-blue", status: "ACTIVE", desiredCount: 1 },
    undefined,
  ]);

  const command = { container: "app", command: ["node", "migrate.mjs"] };
  const arn = await fleet.run({ taskDefinition, token: "dep_1:expand", command });
  const [task] = await fleet.tasksByArn([arn]);
  if (task === undefined) throw new Error("moto has no task");
  expect(task).toMatchObject({ arn, taskDefinition });
  expect(endpointOf(task, 8080)).toEqual({
    host: expect.stringMatching(/^\d+(\.\d+){3}$/),
    port: 8080,
  });
});
