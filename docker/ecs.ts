import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";

import { ecsApis } from "#server/deploys/ecs/ecs-apis.ts";
import { ecsDocuments } from "#server/deploys/ecs/ecs-documents.ts";
import { readEcsFile } from "#server/deploys/ecs/ecs-file.ts";
import { readEcsWorkloads } from "#server/deploys/workloads/workloads-file.ts";

const HELP = `node docker/ecs.ts OPTIONS

Writes what the workloads of a data folder need on Amazon ECS, as JSON for the AWS CLI (docker/README.md): task definitions,
services, and policies. The workloads are those of ecs.yaml and workloads.yaml in the data folder, as the role deploys reads them.

  --data DIR          the data folder with ecs.yaml (default: QUARTERDECK_DATA, else ./data)
  --region eu-west-1  default: QUARTERDECK_ECS_REGION
  --release r41
  --out FOLDER`;

const text = { type: "string" } as const;
const OPTIONS = { data: text, region: text, release: text, out: text } as const;

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: OPTIONS });
  const needed = (name: keyof typeof values, otherwise?: string): string => {
    const value = values[name] || otherwise;
    if (value !== undefined && value !== "") return value;
    throw new Error(`--${name} is missing.\n\n${HELP}`);
  };
  const { env } = process;
  const data = needed("data", env["QUARTERDECK_DATA"] || "data");
  const place = readEcsFile(data, needed("region", env["QUARTERDECK_ECS_REGION"]));
  const workloads = [...ecsApis(place), ...readEcsWorkloads(data, place)];
  const documents = ecsDocuments({ place, workloads, release: needed("release") });
  const out = needed("out");
  for (const [name, document] of Object.entries(documents)) {
    const file = path.join(out, `${name}.json`);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify(document, undefined, 2)}\n`);
  }
  process.stdout.write(`${Object.keys(documents).length} documents are in ${out}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
