import path from "node:path";

import { z } from "zod";

import { AppError } from "#platform/errors.ts";

import { readYamlFile } from "../workloads/yaml-file.ts";
import { SecretArns, Settings } from "./api-variables.ts";

const text = (pattern: RegExp, hint: string) => z.string({ error: hint }).regex(pattern, hint);

const Apis = z.strictObject({
  /** The image of an API is REGISTRY/quarterdeck/NAME, and its tag a release. */
  registry: text(
    /^[a-z0-9][a-z0-9.-]*(?::\d+)?$/,
    "give the host of a registry, such as 111122223333.dkr.ecr.eu-west-1.amazonaws.com",
  ),
  fileSystem: text(
    /^fs-[\w-]+$/,
    "give the id of a file system of Amazon EFS, such as fs-0123abcd",
  ),
  accessPoint: text(/^fsap-[\w-]+$/, "give the id of its access point, such as fsap-0123abcd"),
  /** By variable: ARNs of Secrets Manager. Each API gets those that it reads. */
  secrets: SecretArns,
  settings: Settings,
});

const EcsFile = z.strictObject({
  account: text(/^\d{12}$/, 'give the 12 digits of the account in quotes, such as "111122223333"'),
  cluster: text(/^[\w-]{1,255}$/, "give the name of the cluster"),
  launchType: z.enum(["FARGATE", "EC2"], { error: "give FARGATE or EC2" }).default("FARGATE"),
  subnets: z
    .array(text(/^subnet-[\w-]+$/, "give ids of subnets, such as subnet-0123abcd"), {
      error: "give a list of ids of subnets",
    })
    .min(1)
    .max(16),
  securityGroups: z
    .array(text(/^sg-[\w-]+$/, "give ids of security groups, such as sg-0123abcd"), {
      error: "give a list of ids of security groups",
    })
    .min(1)
    .max(5),
  /** Of CloudWatch Logs. */
  logGroup: text(/^[\w./#-]{1,512}$/, "give the name of a log group").default("/quarterdeck"),
  /** Without it the domain APIs are not deployed. */
  apis: Apis.optional(),
});

/** Where and how tasks run on Amazon ECS. */
export type EcsPlace = z.output<typeof EcsFile> & { region: string };

/** The place that `ecs.yaml` in the data folder describes. @throws AppError bad_request with the field and its line */
export function readEcsFile(dataFolder: string, region: string): EcsPlace {
  const file = path.join(dataFolder, "ecs.yaml");
  const found = readYamlFile(file, EcsFile);
  if (found !== undefined) return { ...found, region };
  const message = `${file} is missing: describe there where tasks run on Amazon ECS (docker/README.md), or unset QUARTERDECK_ECS_REGION to deploy on this machine.`;
  throw new AppError("bad_request", message);
}
