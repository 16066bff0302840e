import { globSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import {
  type ContainerDefinition,
  CreateClusterCommand,
  CreateServiceCommand,
  type CreateServiceCommandInput,
  ECSClient,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
} from "@aws-sdk/client-ecs";
import { describe, expect, onTestFinished, test } from "vitest";

import { openTestFleet, temporaryFolder } from "#deployer/ecs-local/testing.ts";
import { localManifest } from "#deployer/fleet/workload.ts";
import { apiWorkloads } from "#server/apis/workloads.ts";
import { ecsApis } from "#server/deploys/ecs/ecs-apis.ts";
import { ecsDocuments } from "#server/deploys/ecs/ecs-documents.ts";
import type { EcsPlace } from "#server/deploys/ecs/ecs-file.ts";
import { readEcsWorkloads } from "#server/deploys/workloads/workloads-file.ts";

import { defaultNetwork, startMoto } from "../harness/moto.ts";

const WORKLOADS = apiWorkloads({ hasNginx: true });
const secret = (name: string): string =>
  `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${name}-AbCdEf`;
const SECRETS = {
  DATABASE_URL: secret("database-url"),
  API_ROOT_KEY: secret("root-key"),
  SMTP_URL: secret("smtp-url"),
};

const NETWORK = { subnets: ["subnet-1"], securityGroups: ["sg-1"] };

type Given = { secrets?: object; network?: typeof NETWORK };

function placeOf(
  launchType: "FARGATE" | "EC2",
  { secrets = SECRETS, network = NETWORK }: Given = {},
): EcsPlace {
  return {
    account: "111122223333",
    region: "eu-west-1",
    cluster: "quarterdeck",
    launchType,
    ...network,
    logGroup: "/quarterdeck",
    apis: {
      registry: "111122223333.dkr.ecr.eu-west-1.amazonaws.com",
      fileSystem: "fs-1",
      accessPoint: "fsap-1",
      settings: { API_WORKERS: "1" },
      secrets: { ...secrets },
    },
  };
}

function documentsFor(launchType: "FARGATE" | "EC2", given?: Given) {
  const place = placeOf(launchType, given);
  return ecsDocuments({ place, workloads: ecsApis(place), release: "r41" });
}

type Definition = RegisterTaskDefinitionCommandInput & {
  containerDefinitions: ContainerDefinition[];
};

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type that the SDK sends; the servers below check it
const definitionOf = (documents: Record<string, object>, name: string): Definition =>
  documents[`task-definitions/${name}`] as Definition;

describe("one description of a workload", () => {
  test.each(WORKLOADS)("$name is the same task on this machine and on Amazon ECS", (workload) => {
    const { name } = workload;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
    const local = localManifest(workload, {
      folder: "/app",
      name: "r41",
      environment: { API_WORKERS: "1", API_RELEASE: "r41", QUARTERDECK_DATA: "/data" },
    }) as unknown as Definition;
    const remote = definitionOf(documentsFor("FARGATE"), name);
    expect([remote.cpu, remote.memory]).toEqual([local.cpu, local.memory]);
    expect(remote.containerDefinitions.map((it) => comparable(it))).toEqual(
      local.containerDefinitions.map((container) => {
        // The local one sets variables in a shell, where they have the address of the task.
        const [, , assignments = "", , ...command] = container.command ?? [];
        return comparable({ ...container, command }, assignments);
      }),
    );
  });

  const comparable = (container: ContainerDefinition, assignments = "") => {
    const { name, essential, portMappings, stopTimeout, dependsOn, command } = container;
    const { command: _, ...times } = container.healthCheck ?? { command: [] };
    const set = [...assignments.matchAll(/(\w+)="/g)].map(([, variable = ""]) => variable);
    const variables = (container.environment ?? []).map((it) => it.name ?? "");
    // Only programs with files are told where these are, and paths of programs are those of the image.
    const isShared = (it: string): boolean => it !== "PATH" && it !== "QUARTERDECK_DATA";
    return {
      name,
      essential,
      portMappings,
      stopTimeout,
      dependsOn,
      command,
      times,
      variables: [...variables, ...set].filter(isShared).toSorted(),
    };
  };
});

describe("a task definition", () => {
  test("gives each program the secrets that it reads, and no other", () => {
    const documents = documentsFor("FARGATE");
    const secretsOf = (name: string) =>
      definitionOf(documents, name).containerDefinitions.map((it) => [
        it.name,
        it.secrets?.map(({ name: variable }) => variable).toSorted(),
      ]);
    const common = ["API_ROOT_KEY", "DATABASE_URL"];
    expect(secretsOf("accounts")).toEqual([
      ["workers", [...common, "SMTP_URL"]],
      ["front", []],
    ]);
    expect(secretsOf("billing")).toEqual([
      ["workers", common],
      ["front", []],
    ]);
    expect(JSON.stringify(documents["policies/accounts-execution"])).toContain("smtp-url");
    expect(JSON.stringify(documents["policies/billing-execution"])).not.toContain("smtp-url");
  });

  test("lets nothing be written but what it has volumes for, and takes all rights away", () => {
    for (const { name } of WORKLOADS) {
      for (const container of definitionOf(documentsFor("EC2"), name).containerDefinitions) {
        expect(container).toMatchObject({
          user: "10001:10001",
          readonlyRootFilesystem: true,
          linuxParameters: { capabilities: { drop: ["ALL"] } },
          dockerSecurityOptions: ["no-new-privileges"],
        });
      }
    }
  });

  test("shares files between the tasks of Logging and of Reporting alone", () => {
    const documents = documentsFor("FARGATE");
    const sharing = WORKLOADS.map(({ name }) => name).filter((name) =>
      definitionOf(documents, name).volumes?.some((it) => it.efsVolumeConfiguration),
    );
    expect(sharing).toEqual(["logging", "reporting"]);
    const policies = Object.keys(documents).filter((it) => /^policies\/.*-task$/.test(it));
    expect(policies).toEqual(["policies/logging-task", "policies/reporting-task"]);
  });

  test("is accepted by moto, and a service of it too, on Fargate and on EC2", async (context) => {
    await using moto = await startMoto();
    if (!moto) return context.skip();
    const credentials = { accessKeyId: "testing", secretAccessKey: "testing" };
    const region = "eu-west-1";
    const ecs = new ECSClient({ endpoint: moto.url, region, credentials, maxAttempts: 1 });
    onTestFinished(() => ecs.destroy());
    await ecs.send(new CreateClusterCommand({ clusterName: "quarterdeck" }));
    const network = await defaultNetwork(moto);
    for (const [launchType, colour] of [
      ["FARGATE", "blue"],
      ["EC2", "green"],
    ] as const) {
      const documents = documentsFor(launchType, { network });
      for (const { name } of WORKLOADS) {
        const input = definitionOf(documents, name);
        const { taskDefinition } = await ecs.send(new RegisterTaskDefinitionCommand(input));
        const { cpu, volumes } = input;
        expect(taskDefinition).toMatchObject({ family: name, cpu, volumes });
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
        const service = documents[`services/${name}-${colour}`] as CreateServiceCommandInput;
        const created = await ecs.send(new CreateServiceCommand(service));
        expect(created.service).toMatchObject({ serviceName: `${name}-${colour}`, launchType });
      }
    }
  });

  test("is accepted by the local endpoint, without the secrets, which it has no store for", async () => {
    const { ecs } = await openTestFleet();
    for (const { name } of WORKLOADS) {
      const input = definitionOf(documentsFor("FARGATE", { secrets: {} }), name);
      const containerDefinitions = input.containerDefinitions.map(({ secrets, ...it }) => {
        expect(secrets).toEqual([]);
        return it;
      });
      const registered = await ecs.send(
        new RegisterTaskDefinitionCommand({ ...input, containerDefinitions }),
      );
      expect(registered.taskDefinition?.containerDefinitions).toMatchObject(containerDefinitions);
    }
    const withSecrets = definitionOf(documentsFor("FARGATE"), "billing");
    await expect(ecs.send(new RegisterTaskDefinitionCommand(withSecrets))).rejects.toThrow(
      /does not support secrets/,
    );
  });
});

describe("the policy of the deployer", () => {
  type Statement = { Action: string[]; Resource: string[]; Condition?: object };
  const statements = (): Statement[] => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a document of IAM
    const document = documentsFor("FARGATE")["policies/deployer"] as { Statement: Statement[] };
    return document.Statement;
  };

  test("allows what the client of the fleet asks for, and no more", () => {
    const allowed = statements().flatMap(({ Action }) => Action);
    // Tags of what is created need a right of their own, although there is no request for them.
    const beside = ["ecs:TagResource", "iam:PassRole"];
    expect(allowed.toSorted()).toEqual([...commandsInSource(), ...beside].toSorted());
  });

  test("is restricted to its cluster, its workloads and their roles", () => {
    const open = statements().filter(({ Resource }) => Resource.includes("*"));
    expect(open.map(({ Action }) => Action)).toEqual([
      ["ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions"],
    ]);
    const limited = statements().filter(({ Condition }) => Condition && "ArnEquals" in Condition);
    expect(limited.flatMap(({ Action }) => Action)).toContain("ecs:ListTasks");
    const roles = statements().find(({ Action }) => Action.includes("iam:PassRole"));
    expect(roles).toMatchObject({
      Resource: WORKLOADS.flatMap(({ name }) =>
        ["task", "execution"].map(
          (it) => `arn:aws:iam::111122223333:role/quarterdeck/${name}-${it}`,
        ),
      ),
      Condition: { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
    });
  });

  /** Requests of the SDK that deployer/fleet/ makes. */
  function commandsInSource(): string[] {
    const files = globSync("deployer/fleet/*.ts").filter((it) => !it.endsWith(".test.ts"));
    const text = files.map((it) => readFileSync(it, "utf8")).join("\n");
    const commands = [
      ...text.matchAll(/\bnew (\w+)Command\(/g),
      ...text.matchAll(/\bpaginate(\w+)\(/g),
    ];
    expect(commands.length).toBeGreaterThan(10);
    return [...new Set(commands.map(([, name = ""]) => `ecs:${name}`))];
  }
});

describe("a workload of workloads.yaml", () => {
  const documentsOf = (image: string): Record<string, object> => {
    const data = temporaryFolder();
    const text = `workloads:
  - name: shop
    command: [node, server.mjs]
    expand: [node, migrate.mjs]
    port: 8080
    image: ${image}
    healthCommand: [curl, -fsS, "http://127.0.0.1:8080/healthz"]
    environment: { COLOUR: red }
    secrets: { SHOP_KEY: "${secret("shop")}" }
`;
    writeFileSync(path.join(data, "workloads.yaml"), text);
    const place = placeOf("FARGATE");
    return ecsDocuments({ place, workloads: readEcsWorkloads(data, place), release: "r1" });
  };

  test("is a task with its image, its own health check and secrets, and the smallest size of Fargate", () => {
    const documents = documentsOf("registry.example.com/team/shop");
    expect(definitionOf(documents, "shop")).toMatchObject({
      cpu: "256",
      memory: "512",
      taskRoleArn: "arn:aws:iam::111122223333:role/quarterdeck/shop-task",
      containerDefinitions: [
        {
          image: "registry.example.com/team/shop:r1",
          command: ["node", "server.mjs"],
          environment: [
            { name: "COLOUR", value: "red" },
            { name: "RELEASE", value: "r1" },
            { name: "TASK_ADDRESS", value: "0.0.0.0" },
            { name: "TASK_PORT_8080", value: "8080" },
          ],
          secrets: [{ name: "SHOP_KEY", valueFrom: secret("shop") }],
          healthCheck: { command: ["CMD", "curl", "-fsS", "http://127.0.0.1:8080/healthz"] },
          readonlyRootFilesystem: true,
        },
      ],
    });
  });

  test("may be deployed and migrated by the deployer, and fetched from Amazon ECR if it is there", () => {
    const documents = documentsOf("111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop");
    const deployer = JSON.stringify(documents["policies/deployer"]);
    for (const family of ["shop", "shop-expand"]) {
      expect(deployer).toContain(`task-definition/${family}:*`);
    }
    expect(deployer).not.toContain("shop-contract");
    const execution = JSON.stringify(documents["policies/shop-execution"]);
    expect(execution).toContain("arn:aws:ecr:eu-west-1:111122223333:repository/shop");
    const elsewhere = documentsOf("registry.example.com/team/shop");
    expect(JSON.stringify(elsewhere["policies/shop-execution"])).not.toContain("ecr:");
  });
});
