import { randomUUID } from "node:crypto";

import type { COMMANDS } from "#dashboards/deploys/messages.ts";
import { Reason, StartRequest } from "#dashboards/deploys/requests.ts";
import { AppError } from "#platform/errors.ts";
import { printable } from "#platform/terminal.ts";

import type { Command } from "../command.ts";
import { numberOption, type Options, parseOptions } from "../options.ts";
import { showStarted } from "./deploy.ts";
import { EXIT_HELP, withExitCodes } from "./exit-codes.ts";
import { type Client, CLIENT_HELP, CLIENT_OPTIONS, reasonIn, withClient } from "./open-client.ts";
import { takenBack } from "./taken-back.ts";

type CommandKind = (typeof COMMANDS)[number];

const RECENT_MAX = 20;

const TEXTS: Readonly<Record<CommandKind, { summary: string; text: string }>> = {
  pause: {
    summary: "Keep a deploy from going on",
    text: "The deploy does not go on to its next step until it is resumed. It is still rolled back if the new release fails.",
  },
  resume: {
    summary: "Let a paused or held deploy go on",
    text: "The deploy goes on where it was paused or held.",
  },
  hold: {
    summary: "Stop all moves of a deploy",
    text: "Nothing moves any more, not even back, until a person resumes, aborts or rolls back.",
  },
  abort: {
    summary: "End a deploy that has no traffic yet",
    text: "The new tasks stop. If users may have the new release already, roll back instead; the first release of a workload is aborted, as there\nis none to go back to.",
  },
  "roll-back": {
    summary: "Return all traffic to the old release",
    text: "All traffic returns to the old release at once, and then the new tasks stop. When the old tasks have stopped already, the old\nrelease is deployed again, all at once. Only the last deploy is taken back: not an earlier one when the last one failed, and no way back.",
  },
  force: {
    summary: "Skip what a deploy waits for",
    text: "The deploy does not wait for a freeze, for checks before its start or for the comparison of the releases. Conditions of safety are\nnever skipped.",
  },
};

const wordOf = (kind: CommandKind): string => kind.replace("-", "");

/** `quarterdeck pause SERVICE`, and so on: one for each command that a deploy obeys. */
export const commandDeploy = (kind: CommandKind): Command => ({
  name: wordOf(kind),
  summary: TEXTS[kind].summary,
  help: `quarterdeck ${wordOf(kind)} SERVICE|ID [--reason TEXT] [--wait] [--version N]

${TEXTS[kind].text}

  SERVICE|ID      a workload, for its present deploy, or the id of a deploy
  --wait          show what happens until the deploy has ended or is held
  --version N     only if the deploy has not changed since it had this version
  --reason TEXT   why, for the audit log
${CLIENT_HELP}

${EXIT_HELP}

  quarterdeck ${wordOf(kind)} billing --reason "complaints about invoices"`,

  async run(args) {
    const { values, positionals } = parseOptions(args, {
      ...CLIENT_OPTIONS,
      wait: { type: "boolean" },
      version: { type: "string" },
    });
    const [target, ...others] = positionals;
    if (target === undefined || others.length > 0) {
      const example = `quarterdeck ${wordOf(kind)} billing`;
      throw new AppError("bad_request", `name a service or the id of a deploy: ${example}`);
    }
    const reason = Reason.safeParse(reasonIn(values));
    if (!reason.success) {
      throw new AppError("bad_request", `--reason: ${reason.error.issues[0]?.message}`);
    }
    const order = { kind, target, reason: reason.data };
    return withExitCodes(() => withClient(values, (client) => carryOut(client, order, values)));
  },
});

type Order = { kind: CommandKind; target: string; reason: string };

async function carryOut(client: Client, order: Order, values: Options["values"]): Promise<number> {
  const { kind, target, reason } = order;
  const id = target.startsWith("dep_") ? target : await presentDeploy(client, target);
  if (id === undefined) return afterItsEnd(client, order, values);
  const range = { fallback: 0, min: 1, max: Number.MAX_SAFE_INTEGER };
  const version =
    values["version"] === undefined ? undefined : numberOption(values, "version", range);
  await client.ask("command", { id, kind, reason, version, actor: client.actor });
  return showStarted(client, id, values);
}

/** The id of the deploy of a service that is under way, or else of the first in its queue. @throws AppError not_found */
async function presentDeploy(client: Client, service: string): Promise<string | undefined> {
  const workloads = await client.ask("workloads", {});
  const workload = workloads.find(({ name }) => name === service);
  if (workload !== undefined) return (workload.active ?? workload.queue[0])?.id;
  const known = workloads.map(({ name }) => name).join(", ");
  throw new AppError("not_found", `There is no service ${service}. The services are ${known}.`);
}

/** The way back from a deploy that has succeeded is a deploy of the release before. @throws AppError if there is none */
async function afterItsEnd(
  client: Client,
  { kind, target: workload, reason }: Order,
  values: Options["values"],
): Promise<number> {
  const { deploys } = await client.ask("list", { workload, limit: RECENT_MAX });
  const last = takenBack(workload, kind === "roll-back" ? deploys : []);
  process.stderr.write(
    `quarterdeck: the tasks of ${printable(last.from)} have stopped: it is deployed again.\n`,
  );
  // It has served before, and nobody who wants it back waits for steps; its tasks are verified all the same.
  const strategy = { kind: "all-at-once" };
  const request = StartRequest.parse({ workload, release: last.from, reason, strategy });
  const by = { key: randomUUID(), actor: client.actor };
  const { id } = await client.ask("start", { ...request, ...by });
  return showStarted(client, id, values);
}
