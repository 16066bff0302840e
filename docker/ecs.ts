import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";

import { ecsDocuments } from "#server/apis/ecs-documents.ts";

const HELP = `node docker/ecs.ts OPTIONS

Writes what the domain APIs need on Amazon ECS, as JSON for the AWS CLI (docker/README.md): task definitions, services, and
policies.

  --account 111122223333  --region eu-west-1  --cluster quarterdeck
  --launch-type FARGATE|EC2
  --subnets subnet-1,subnet-2  --security-groups sg-1
  --registry 111122223333.dkr.ecr.eu-west-1.amazonaws.com   images are REGISTRY/quarterdeck/NAME:RELEASE
  --release r41
  --file-system fs-1  --access-point fsap-1   of Amazon EFS, for Logging and Reporting
  --secret VARIABLE=ARN       a secret of Secrets Manager; once for each
  --setting VARIABLE=VALUE    a setting of all APIs; once for each
  --out FOLDER`;

const text = { type: "string" } as const;
const list = { type: "string", multiple: true } as const;
const OPTIONS = {
  account: text,
  region: text,
  cluster: text,
  "launch-type": text,
  subnets: text,
  "security-groups": text,
  registry: text,
  release: text,
  "file-system": text,
  "access-point": text,
  out: text,
  secret: list,
  setting: list,
} as const;

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: OPTIONS });
  const needed = (name: keyof typeof values): string => {
    const value = values[name];
    if (typeof value === "string" && value !== "") return value;
    throw new Error(`--${name} is missing.\n\n${HELP}`);
  };
  const launchType = needed("launch-type");
  if (launchType !== "FARGATE" && launchType !== "EC2") {
    throw new Error(`--launch-type ${launchType}: choose FARGATE or EC2.`);
  }
  const documents = ecsDocuments({
    account: needed("account"),
    region: needed("region"),
    place: {
      cluster: needed("cluster"),
      launchType,
      network: {
        subnets: needed("subnets").split(","),
        securityGroups: needed("security-groups").split(","),
      },
    },
    registry: needed("registry"),
    release: needed("release"),
    files: { fileSystem: needed("file-system"), accessPoint: needed("access-point") },
    secrets: assignments(values.secret),
    settings: assignments(values.setting),
  });
  const out = needed("out");
  for (const [name, document] of Object.entries(documents)) {
    const file = path.join(out, `${name}.json`);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify(document, undefined, 2)}\n`);
  }
  process.stdout.write(`${Object.keys(documents).length} documents are in ${out}\n`);
}

function assignments(texts: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    texts.map((it) => {
      const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.+)$/.exec(it) ?? [];
      if (name !== undefined && value !== undefined) return [name, value];
      throw new Error(`${it}: give VARIABLE=VALUE.`);
    }),
  );
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
