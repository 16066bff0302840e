import { resolve } from "node:path";
import { stdin } from "node:process";

import { z } from "zod";

import type { Format } from "#collectors/format.ts";
import { nested } from "#collectors/nested.ts";
import { Parser } from "#collectors/parse.ts";
import {
  FormatEntry,
  formatsFileIn,
  readFormats,
  removeFormat,
  saveFormat,
} from "#collectors/user-formats/formats-file.ts";
import { compileFormat } from "#collectors/user-formats/user-format.ts";
import { zoneOf } from "#collectors/zone.ts";
import { AppError } from "#platform/errors.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { printable, printableJson } from "#platform/terminal.ts";

import { openDataFolder } from "../data-folder.ts";
import { deriveRules } from "../rules.ts";
import { indexSettings } from "../settings.ts";
import type { Command } from "./command.ts";
import { documentTable } from "./document-table.ts";
import { environmentWith, parseOptions, type Options } from "./options.ts";
import { useFormatsOf } from "./user-formats.ts";

export const formatCommand: Command = {
  name: "format",
  summary: "Describe a log format of yours by a pattern, and try it",
  help: `quarterdeck format test (NAME | --pattern PATTERN) [--json] < LINES
quarterdeck format add NAME --pattern PATTERN [--path PATH]…
quarterdeck format list [--json]
quarterdeck format remove NAME

Formats of yours are in DATA/formats.yaml, which a running Quarterdeck follows. A format reads the files at its paths before
other formats are tried. Without paths it is used by name: quarterdeck parse --dataset NAME, quarterdeck reprocess --format NAME.

  NAME               the dataset of the events, such as shop.orders
  --pattern PATTERN  grok, such as %{IP:source.ip} %{NUMBER:order.total:float}, or an expression with named groups, such as
                     (?<order.id>\\d+), in the syntax of RE2. A field that ECS has gets the type of ECS: @timestamp (or
                     timestamp) is the time of the event, log.level its level. Lines take time linear in their length.
  --path PATH        files in this format; * stands for any part of a name. May be repeated
  --json             print JSON
  --data DIR         the data folder (default: QUARTERDECK_DATA, else ./data)

  quarterdeck format test --pattern '%{TIMESTAMP_ISO8601:@timestamp} %{WORD:order.state} %{GREEDYDATA:message}' < orders.log
  quarterdeck format add shop.orders --path '/srv/shop/*.log' --pattern '…'
  quarterdeck reprocess --source '/srv/shop/*.log' --from now-2d`,

  async run(args) {
    const { values, positionals } = parseOptions(args, {
      pattern: { type: "string" },
      path: { type: "string", multiple: true },
      json: { type: "boolean" },
    });
    const [action, name, ...more] = positionals;
    if (more.length > 0) throw new AppError("bad_request", `unexpected argument ${more[0]}`);
    const { data } = parseSettings({ data: indexSettings }, environmentWith(values));
    const asked: Asked = { name, values, settings: data };
    if (action === "test") return test(asked);
    if (action === "add") return add(asked);
    if (action === "remove") return remove(asked);
    if (action === "list") return list(asked);
    throw new AppError("bad_request", "say what to do: format test, add, list or remove");
  },
};

type Asked = {
  name: string | undefined;
  values: Options["values"];
  settings: ReturnType<typeof parseSettings<{ data: typeof indexSettings }>>["data"];
};

async function test(asked: Asked): Promise<number> {
  const { values, settings } = asked;
  const format = await formatOf(asked);
  const parser = new Parser({
    format,
    mode: "lines",
    zone: zoneOf(settings.timezone),
    nowMs: Date.now(),
    all: true,
    rules: deriveRules(settings),
  });
  const counts = { lines: 0, matched: 0 };
  const print = (documents: Iterable<Record<string, unknown>>): void => {
    for (const document of documents) {
      counts.lines += 1;
      if (document["event.kind"] !== "pipeline_error") counts.matched += 1;
      const text = values["json"]
        ? `${printableJson(nested(document))}\n`
        : documentTable(document);
      process.stdout.write(text);
    }
  };
  for await (const chunk of stdin) print(parser.push(Buffer.from(chunk)));
  print(parser.end());
  process.stderr.write(`${counts.matched} of ${counts.lines} lines match\n`);
  return counts.matched === counts.lines ? 0 : 1;
}

async function formatOf({ name, values, settings }: Asked): Promise<Format> {
  const { pattern } = values;
  if (typeof pattern === "string") {
    const compiled = compileFormat({ name: name ?? "test", pattern });
    if (compiled.ok) return compiled.format;
    throw new AppError("bad_request", compiled.message);
  }
  if (name === undefined)
    throw new AppError("bad_request", "give --pattern, or the name of a format");
  const read = await readFormats(settings.dataFolder);
  await useFormatsOf(settings.dataFolder);
  const found = read.ok ? read.formats.find(({ format }) => format.dataset === name) : undefined;
  if (!found) throw unknown(name);
  return found.format;
}

const unknown = (name: string): AppError =>
  new AppError("bad_request", `there is no format ${name}: quarterdeck format list shows them`);

async function add({ name, values, settings }: Asked): Promise<number> {
  const { pattern, path } = values;
  if (name === undefined || typeof pattern !== "string")
    throw new AppError(
      "bad_request",
      "give a name and --pattern: quarterdeck format add shop.orders --pattern '…'",
    );
  const paths = Array.isArray(path) ? path.map((it) => resolve(it)) : [];
  const entry = FormatEntry.safeParse({ name, pattern, paths });
  if (!entry.success) throw new AppError("bad_request", z.prettifyError(entry.error));
  openDataFolder(settings);
  await saveFormat(settings.dataFolder, entry.data);
  const files = paths.length === 0 ? "" : `, for ${printable(paths.join(", "))}`;
  process.stdout.write(
    `${printable(name)} is saved in ${formatsFileIn(settings.dataFolder)}${files}\nTo read quarantined lines again: quarterdeck reprocess --format ${printable(name)}\nTo read all lines of a source again: quarterdeck reprocess --source ${printable(paths[0] ?? "SOURCE")} --format ${printable(name)} --from now-2d\n`,
  );
  return 0;
}

async function remove({ name, settings }: Asked): Promise<number> {
  if (name === undefined) throw new AppError("bad_request", "give the name of a format");
  await removeFormat(settings.dataFolder, name);
  process.stdout.write(`${printable(name)} is removed. Its events are kept.\n`);
  return 0;
}

async function list({ values, settings }: Asked): Promise<number> {
  await useFormatsOf(settings.dataFolder);
  const read = await readFormats(settings.dataFolder);
  const entries = read.ok ? read.entries : [];
  const lines = entries.map((entry) =>
    values["json"]
      ? printableJson(entry)
      : [entry.name, `  ${entry.pattern}`, ...entry.paths.map((path) => `  reads ${path}`)]
          .map(printable)
          .join("\n"),
  );
  process.stdout.write(`${lines.join("\n") || "There are no formats of yours yet."}\n`);
  return 0;
}
