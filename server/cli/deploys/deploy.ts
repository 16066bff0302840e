import { randomUUID } from "node:crypto";

import { STRATEGIES } from "#dashboards/deploys/messages.ts";
import { PlanRequest, StartRequest } from "#dashboards/deploys/requests.ts";
import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { openTerminal, printable } from "#platform/terminal.ts";

import type { Command } from "../command.ts";
import { numberOption, type Options, parseOptions } from "../options.ts";
import { EXIT, EXIT_HELP, exitOf, withExitCodes } from "./exit-codes.ts";
import { type Client, CLIENT_HELP, CLIENT_OPTIONS, reasonIn, withClient } from "./open-client.ts";
import { followDeploy } from "./progress.ts";
import { lineOf } from "./text.ts";

const TASKS_MAX = 1_000;
const SECONDS_MAX = 30 * 24 * 3_600;

export const deployCommand: Command = {
  name: "deploy",
  summary: "Deploy a release of a workload",
  help: `quarterdeck deploy SERVICE RELEASE [--wait] [--strategy NAME] [--steps LIST] [--observe S] [--bake S] [--drain S]
                   [--tasks N] [--expand] [--contract]
                   [--plan] [--plan-hash HASH] [--reason TEXT] [--key KEY]

Moves a workload to a release: new tasks start beside the old ones, are verified, get traffic in steps, and only then the
old ones stop. The role deploys does it (quarterdeck start, or quarterdeck role deploys), so the command may end before.

  --wait          show what happens until it has ended or is held
  --strategy NAME ${STRATEGIES.join(", ")}
  --steps LIST    shares of the new release in percent, such as 1,10,50
  --observe S     how long each step is observed at least, in seconds; --bake S the same with all traffic, and --drain S how long open
                  requests of the old release may take
  --tasks N       tasks of the new release (default: as many as serve now, and at least those of workloads.yaml)
  --expand        run the expand migration of the release before, and --contract the contract migration after
  --plan          only show what it would do, with its hash
  --plan-hash H   start exactly this plan, or nothing
  --reason TEXT   why, for the audit log
  --key KEY       the Idempotency-Key: the same key starts one deploy (default: a new one)
${CLIENT_HELP}

${EXIT_HELP}

  quarterdeck deploy billing r2 --wait
  quarterdeck deploy billing r2 --plan
  quarterdeck deploy billing r2 --wait --url https://quarterdeck.example.com --key $CI_PIPELINE_ID`,

  async run(args) {
    const { values, positionals } = parseOptions(args, {
      ...CLIENT_OPTIONS,
      wait: { type: "boolean" },
      strategy: { type: "string" },
      steps: { type: "string" },
      observe: { type: "string" },
      bake: { type: "string" },
      drain: { type: "string" },
      tasks: { type: "string" },
      expand: { type: "boolean" },
      contract: { type: "boolean" },
      plan: { type: "boolean" },
      "plan-hash": { type: "string" },
      key: { type: "string" },
    });
    const request = requestIn(values, positionals);
    return withExitCodes(() =>
      withClient(values, (client) =>
        values["plan"] === true
          ? showPlan(client, request, values)
          : start(client, request, values),
      ),
    );
  },
};

/** @throws AppError bad_request that names the argument */
function requestIn(values: Options["values"], positionals: readonly string[]): StartRequest {
  const [workload, release, ...others] = positionals;
  if (workload === undefined || release === undefined || others.length > 0) {
    throw new AppError(
      "bad_request",
      "name a service and a release: quarterdeck deploy billing r2",
    );
  }
  const { strategy, steps, tasks } = values;
  const parsed = StartRequest.safeParse({
    workload,
    release,
    reason: reasonIn(values),
    strategy: {
      ...(strategy === undefined ? {} : { kind: strategy }),
      ...(typeof steps === "string" ? { stepsBp: stepsIn(steps) } : {}),
      analyseMs: secondsIn(values, "observe"),
      bakeMs: secondsIn(values, "bake"),
      drainMs: secondsIn(values, "drain"),
    },
    ...(tasks === undefined
      ? {}
      : { count: numberOption(values, "tasks", { fallback: 1, min: 1, max: TASKS_MAX }) }),
    migrations: { expand: values["expand"] === true, contract: values["contract"] === true },
    planHash: values["plan-hash"],
  });
  if (parsed.success) return parsed.data;
  const [mistake] = parsed.error.issues;
  const where = mistake?.path[0] === "strategy" ? "--strategy" : String(mistake?.path[0]);
  throw new AppError("bad_request", `${where}: ${mistake?.message}`);
}

function secondsIn(values: Options["values"], name: string): number | undefined {
  if (values[name] === undefined) return undefined;
  const seconds = numberOption(values, name, { fallback: 0, min: 0, max: SECONDS_MAX });
  return Math.round(seconds * 1_000);
}

function stepsIn(text: string): number[] {
  return text.split(",").map((part) => {
    const share = Number(part.trim().replace(/%$/, ""));
    if (Number.isFinite(share) && share > 0 && share <= 100) return Math.round(share * 100);
    throw new AppError("bad_request", `--steps ${text}: give percentages such as 1,10,50`);
  });
}

async function showPlan(
  client: Client,
  request: StartRequest,
  values: Options["values"],
): Promise<number> {
  const { reason: _, planHash: __, ...plan } = request;
  const answer = await client.ask("plan", PlanRequest.parse(plan));
  if (values["json"] === true) {
    process.stdout.write(`${JSON.stringify(answer)}\n`);
    return EXIT.ok;
  }
  const lines = [
    ...answer.sentences.map((sentence, index) => `${index + 1}. ${sentence}`),
    ...answer.waits.map((why) => `It would wait: ${why}`),
    `The programs: ${answer.programs}`,
    `Hash of the plan: ${answer.hash}`,
  ];
  process.stdout.write(`${lines.map(printable).join("\n")}\n`);
  return EXIT.ok;
}

async function start(
  client: Client,
  request: StartRequest,
  values: Options["values"],
): Promise<number> {
  const key = typeof values["key"] === "string" ? values["key"] : randomUUID();
  const deploy = await client.ask("start", { ...request, key, actor: client.actor });
  return showStarted(client, deploy.id, values);
}

/** Shows a deploy that was started: once, or with `--wait` until its end. */
export async function showStarted(
  client: Client,
  id: string,
  values: Options["values"],
): Promise<number> {
  const isJson = values["json"] === true;
  const isWaiting = values["wait"] === true;
  if (!isWaiting) {
    const { deploy } = await client.ask("deploy", { id });
    const advice = `Watch it with: quarterdeck deploys ${id} --watch`;
    process.stdout.write(isJson ? `${JSON.stringify(deploy)}\n` : `${lineOf(deploy)}\n${advice}\n`);
    return EXIT.ok;
  }
  const terminal = openTerminal(isJson ? process.stderr : process.stdout, systemClock);
  const ended = await followDeploy(client, id, terminal);
  if (isJson) process.stdout.write(`${JSON.stringify(ended)}\n`);
  return exitOf(ended);
}
