import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";

import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { readStateFile, writeStateFile } from "#platform/state-file.ts";

import type { EcsPlace } from "./ecs/ecs-file.ts";

const Place = z.object({ region: z.string(), account: z.string(), cluster: z.string() });

/**
 * Deploys of a data folder go on in the fleet in which they began: records of tasks elsewhere would be taken for those of this fleet.
 * @throws AppError conflict with what to do
 */
export function keepToPlace(dataFolder: string, ecs: EcsPlace | undefined): void {
  const folder = path.join(path.resolve(dataFolder), "deploys");
  const file = path.join(folder, "ecs.json");
  const before = readStateFile(file, Place).value;
  const known = before
    ? `the cluster ${before.cluster} of Amazon ECS in ${before.region}`
    : "this machine";
  const hasLocal = existsSync(path.join(folder, "fleet"));
  const isOther = before ? !isSame(before, ecs) : ecs !== undefined && hasLocal;
  if (isOther) {
    const message = `The deploys in ${folder} are those of ${known}. Use another data folder, and another database of deploys if it is set, for another fleet; or correct QUARTERDECK_ECS_REGION and ecs.yaml.`;
    throw new AppError("conflict", message);
  }
  if (ecs === undefined || before) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { region, account, cluster } = ecs;
  writeStateFile(file, { region, account, cluster });
}

const isSame = (before: z.output<typeof Place>, ecs: EcsPlace | undefined): boolean =>
  ecs?.region === before.region && ecs.account === before.account && ecs.cluster === before.cluster;
