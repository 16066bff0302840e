import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

import type { EdgeConfigurationView } from "#dashboards/deploys/edge-messages.ts";
import { type DiffLine, lineDiff } from "#dashboards/deploys/edge/line-diff.ts";
import { systemClock } from "#platform/clock.ts";
import { AppError, errorCode } from "#platform/errors.ts";
import { openTerminal, printable, type Terminal } from "#platform/terminal.ts";

import { numberOption, type Options } from "../options.ts";
import { EXIT } from "./exit-codes.ts";
import type { Client } from "./open-client.ts";
import { timeOf } from "./text.ts";

type Version = EdgeConfigurationView["versions"][number];
type Of = { client: Client; values: Options["values"]; args: readonly string[] };
type Action = (of: Of) => Promise<number>;

const POLL_MS = 500;
/** How long the role may be away, for example because it is started again. */
const AWAY_MS_MAX = 120_000;
const NUMBERS = { fallback: 0, min: 0, max: 1_000_000_000 };
const STDIN = 0;

/** What `quarterdeck edge config` does, by its next word. */
export const TEMPLATE_ACTIONS: Readonly<Record<string, Action>> = {
  show,
  check,
  diff,
  apply,
  versions,
  rollback,
};

async function show({ client, values }: Of): Promise<number> {
  const { text } = await client.ask("edgeTemplate", { version: versionIn(values, "version") });
  process.stdout.write(text);
  return EXIT.ok;
}

async function check({ client, values, args }: Of): Promise<number> {
  const { mistakes } = await client.ask("checkEdgeTemplate", { text: textIn(args) });
  const lines =
    values["json"] === true
      ? [JSON.stringify(mistakes)]
      : mistakes.map((it) => printable(it.message));
  const shown = lines.length === 0 ? ["HAProxy accepts it on each node."] : lines;
  process.stdout.write(`${shown.join("\n")}\n`);
  return mistakes.length === 0 ? EXIT.ok : EXIT.refused;
}

async function diff({ client, values, args }: Of): Promise<number> {
  const after = textIn(args);
  const { text } = await client.ask("edgeTemplate", { version: versionIn(values, "version") });
  const lines = lineDiff(text, after);
  if (lines.length === 0) return EXIT.ok;
  process.stdout.write(`${lines.map((line) => printable(diffText(line))).join("\n")}\n`);
  return EXIT.error;
}

const SIGNS = { same: " ", added: "+", removed: "-" } as const;

const diffText = (line: DiffLine): string =>
  line.kind === "gap"
    ? `@@ ${line.lines} lines are the same @@`
    : `${String(line.after ?? line.before).padStart(4)} ${SIGNS[line.kind]}${line.text}`;

async function apply({ client, values, args }: Of): Promise<number> {
  const text = textIn(args);
  const reason = givenReason(values);
  const base = versionIn(values, "base");
  const { actor } = client;
  const { version } = await client.ask("changeEdgeTemplate", { text, reason, base, actor });
  return follow(client, version, values);
}

async function rollback({ client, values, args }: Of): Promise<number> {
  const [number = "", ...others] = args;
  if (!/^\d{1,9}$/.test(number) || others.length > 0) {
    throw new AppError(
      "bad_request",
      "give the number of a version: quarterdeck edge config versions",
    );
  }
  const reason = givenReason(values);
  const order = { version: Number(number), reason, actor: client.actor };
  const { version } = await client.ask("rollBackEdgeTemplate", order);
  return follow(client, version, values);
}

async function versions({ client, values }: Of): Promise<number> {
  const configuration = await configurationOf(client);
  const lines =
    values["json"] === true
      ? [JSON.stringify(configuration)]
      : [
          ...configuration.versions.map((it) => textOf(it, configuration.current)),
          "0  the one that Quarterdeck brings",
        ];
  process.stdout.write(`${lines.map(printable).join("\n")}\n`);
  return EXIT.ok;
}

function textOf(version: Version, current: number): string {
  const { number, author, reason, atMs, repeats, failure, state } = version;
  const words = { applying: "is being applied", applied: "applied", "went-back": "went back" };
  const stands = number === current ? "current" : words[state];
  const again = repeats === null ? "" : ` (version ${repeats} again)`;
  return `${number}  ${timeOf(atMs)}  ${stands}${again}: ${reason} (${author})${failure === null ? "" : `; ${failure}`}`;
}

async function configurationOf(client: Client): Promise<EdgeConfigurationView> {
  const { configuration } = await client.ask("edge", {});
  if (configuration !== null) return configuration;
  throw new AppError("not_found", "The local edge has no configuration to edit.");
}

/** Until all nodes have the version, or none: @returns the exit status */
async function follow(client: Client, number: number, values: Options["values"]): Promise<number> {
  const isJson = values["json"] === true;
  const terminal = openTerminal(isJson ? process.stderr : process.stdout, systemClock);
  const told = new Map<string, string>();
  for (;;) {
    const { current, versions: all, progress } = await askPatiently(client, terminal);
    if (all[0]?.number === number) tell(progress, told, terminal);
    const version = all.find((it) => it.number === number);
    if (version?.state !== "applying") {
      const text = version === undefined ? "It is current." : textOf(version, current);
      if (isJson) process.stdout.write(`${JSON.stringify(version ?? { number })}\n`);
      else terminal.line(text);
      return version?.state === "went-back" ? EXIT.rolledBack : EXIT.ok;
    }
    await delay(POLL_MS);
  }
}

/** What has changed since it was told. */
function tell(
  progress: EdgeConfigurationView["progress"],
  told: Map<string, string>,
  terminal: Terminal,
): void {
  for (const { node, progress: now } of progress) {
    if (told.get(node) !== now) terminal.line(`${node} ${now.replaceAll("-", " ")}`);
    told.set(node, now);
  }
}

async function askPatiently(client: Client, terminal: Terminal): Promise<EdgeConfigurationView> {
  const untilMs = performance.now() + AWAY_MS_MAX;
  for (let isTold = false; ; isTold = true) {
    try {
      return await configurationOf(client);
    } catch (error) {
      const isAway = error instanceof AppError && error.code === "unavailable";
      if (!isAway || performance.now() > untilMs) throw error;
      if (!isTold) terminal.line("Quarterdeck does not answer. Waiting …");
      await delay(POLL_MS);
    }
  }
}

function textIn([file, ...others]: readonly string[]): string {
  if (file === undefined || others.length > 0) {
    throw new AppError("bad_request", "name the file of the template, or - for the standard input");
  }
  try {
    return readFileSync(file === "-" ? STDIN : file, "utf8");
  } catch (error) {
    throw new AppError(
      "bad_request",
      `${file} cannot be read (${errorCode(error) ?? String(error)})`,
    );
  }
}

function givenReason({ reason }: Options["values"]): string {
  if (typeof reason === "string" && reason.trim() !== "") return reason.trim();
  throw new AppError(
    "bad_request",
    "give --reason: it is kept in the list of versions and in the audit log",
  );
}

const versionIn = (values: Options["values"], name: string): number | undefined =>
  values[name] === undefined ? undefined : numberOption(values, name, NUMBERS);
