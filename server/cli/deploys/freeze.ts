import { randomUUID } from "node:crypto";

import type { FreezeView } from "#dashboards/deploys/messages.ts";
import { FreezeRequest } from "#dashboards/deploys/requests.ts";
import { parseInstant } from "#pipeline/time-range.ts";
import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { printable } from "#platform/terminal.ts";

import type { Command } from "../command.ts";
import { type Options, parseOptions } from "../options.ts";
import { EXIT, EXIT_HELP, withExitCodes } from "./exit-codes.ts";
import { type Client, CLIENT_HELP, CLIENT_OPTIONS, reasonIn, withClient } from "./open-client.ts";
import { timeOf } from "./text.ts";

export const freezeCommand: Command = {
  name: "freeze",
  summary: "Add, list and remove times in which no deploy starts",
  help: `quarterdeck freeze add NAME --until TIME [--from TIME] [--services LIST]
quarterdeck freeze add NAME --start CRON --end CRON --timezone ZONE [--services LIST]
quarterdeck freeze list
quarterdeck freeze remove ID

Deploys that have started go on, and every deploy can be rolled back.

  --from, --until TIME   once: 2026-12-24T00:00:00Z, now, now+3h (default of --from: now)
  --start, --end CRON    again and again: "0 16 * * 5" until "0 7 * * 1"
  --timezone ZONE        of these, such as Europe/Madrid
  --services LIST        only these, such as billing,accounts (default: all)
  --reason TEXT          why, for the audit log
${CLIENT_HELP}

${EXIT_HELP}

  quarterdeck freeze add "Black Friday" --from 2026-11-27T00:00:00Z --until 2026-11-30T00:00:00Z`,

  async run(args) {
    const { values, positionals } = parseOptions(args, {
      ...CLIENT_OPTIONS,
      from: { type: "string" },
      until: { type: "string" },
      start: { type: "string" },
      end: { type: "string" },
      timezone: { type: "string" },
      services: { type: "string" },
    });
    const [name = "", ...rest] = positionals;
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action) {
      throw new AppError("bad_request", "say add, list or remove: quarterdeck freeze --help");
    }
    return withExitCodes(() => withClient(values, (client) => action(client, values, rest)));
  },
};

type Action = (
  client: Client,
  values: Options["values"],
  rest: readonly string[],
) => Promise<number>;

const ACTIONS: Readonly<Record<string, Action>> = { add, list, remove };

async function add(client: Client, values: Options["values"], rest: readonly string[]) {
  const parsed = FreezeRequest.safeParse({
    name: oneOf(rest, "a name"),
    workloads: typeof values["services"] === "string" ? values["services"].split(",") : [],
    period: periodIn(values),
    reason: reasonIn(values),
  });
  if (!parsed.success) {
    const [mistake] = parsed.error.issues;
    throw new AppError("bad_request", `${mistake?.path.join(".")}: ${mistake?.message}`);
  }
  const by = { actor: client.actor, key: randomUUID() };
  show([await client.ask("freeze", { ...parsed.data, ...by })], values);
  return EXIT.ok;
}

function periodIn(values: Options["values"]): unknown {
  const { from, until, start, end, timezone } = values;
  if (start !== undefined || end !== undefined) {
    return { kind: "recurring", start, end, timezone };
  }
  if (until === undefined) throw new AppError("bad_request", "give --until, or --start and --end");
  return { kind: "once", fromMs: instant("from", from ?? "now"), untilMs: instant("until", until) };
}

const instant = (name: string, text: unknown): number =>
  parseInstant(String(text), `--${name}`, systemClock.nowMs());

async function list(client: Client, values: Options["values"]): Promise<number> {
  const freezes = await client.ask("freezes", {});
  if (freezes.length === 0 && values["json"] !== true) {
    process.stdout.write("There are no freezes.\n");
    return EXIT.ok;
  }
  show(freezes, values);
  return EXIT.ok;
}

async function remove(client: Client, values: Options["values"], rest: readonly string[]) {
  const id = oneOf(rest, "the id of a freeze");
  await client.ask("thaw", { id, reason: reasonIn(values), actor: client.actor });
  process.stdout.write(values["json"] === true ? "{}\n" : `Removed: ${printable(id)}\n`);
  return EXIT.ok;
}

function oneOf([first, ...others]: readonly string[], what: string): string {
  if (first !== undefined && others.length === 0) return first;
  throw new AppError("bad_request", `give ${what}`);
}

function show(freezes: readonly FreezeView[], values: Options["values"]): void {
  const lines =
    values["json"] === true ? [JSON.stringify(freezes)] : freezes.map(textOf).map(printable);
  process.stdout.write(`${lines.join("\n")}\n`);
}

function textOf({ id, name, workloads, period, frozenUntilMs }: FreezeView): string {
  const of = workloads.length === 0 ? "all" : workloads.join(", ");
  const when =
    period.kind === "once"
      ? `${timeOf(period.fromMs)} – ${timeOf(period.untilMs)} UTC`
      : `from ${period.start} until ${period.end} (${period.timezone})`;
  const now = frozenUntilMs === null ? "" : `; frozen until ${timeOf(frozenUntilMs)} UTC`;
  return `${id}  ${name}: ${of}, ${when}${now}`;
}
