import { AppError } from "#platform/errors.ts";

import type { Command } from "../command.ts";
import { numberOption, type Options, parseOptions } from "../options.ts";
import { showStarted } from "./deploy.ts";
import { EXIT, EXIT_HELP, withExitCodes } from "./exit-codes.ts";
import { type Client, CLIENT_HELP, CLIENT_OPTIONS, withClient } from "./open-client.ts";
import { detailText, effectsText, lineOf, workloadLine } from "./text.ts";

const LIMIT = { fallback: 20, min: 1, max: 100 };

export const deploysCommand: Command = {
  name: "deploys",
  summary: "List deploys and workloads, or show and watch one deploy",
  help: `quarterdeck deploys [--service NAME] [--limit N]
quarterdeck deploys ID [--watch]

Without an ID it lists the workloads and the last deploys, newest first.

  --service NAME  only deploys of this workload
  --limit N       number of deploys (default ${LIMIT.fallback})
  --watch         show what happens until it has ended or is held
${CLIENT_HELP}

${EXIT_HELP}`,

  async run(args) {
    const { values, positionals } = parseOptions(args, {
      ...CLIENT_OPTIONS,
      service: { type: "string" },
      limit: { type: "string" },
      watch: { type: "boolean" },
    });
    const [id, ...others] = positionals;
    if (others.length > 0) throw new AppError("bad_request", "give one id of a deploy, or none");
    const limit = numberOption(values, "limit", LIMIT);
    return withExitCodes(() =>
      withClient(values, (client) => {
        if (id === undefined) return list(client, limit, values);
        const isWatching = values["watch"] === true;
        return isWatching
          ? showStarted(client, id, { ...values, wait: true })
          : show(client, id, values);
      }),
    );
  },
};

async function list(client: Client, limit: number, values: Options["values"]): Promise<number> {
  const { service } = values;
  const workload = typeof service === "string" ? service : undefined;
  const [all, { deploys }] = await Promise.all([
    client.ask("workloads", {}),
    client.ask("list", { limit, workload }),
  ]);
  const workloads = all.filter(({ name }) => workload === undefined || name === workload);
  if (values["json"] === true) {
    process.stdout.write(`${JSON.stringify({ workloads, deploys })}\n`);
    return EXIT.ok;
  }
  const lines = [...workloads.map(workloadLine), "", ...deploys.map(lineOf)];
  const text = deploys.length === 0 ? [...lines, "There are no deploys yet."] : lines;
  process.stdout.write(`${text.join("\n")}\n`);
  return EXIT.ok;
}

async function show(client: Client, id: string, values: Options["values"]): Promise<number> {
  const [detail, effects] = await Promise.all([
    client.ask("deploy", { id }),
    client.ask("effects", { id }),
  ]);
  const text =
    values["json"] === true
      ? JSON.stringify(detail)
      : `${detailText(detail)}\n\n${effectsText(effects, detail.deploy)}`;
  process.stdout.write(`${text}\n`);
  return EXIT.ok;
}
