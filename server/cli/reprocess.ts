import { FORMATS, formatNamed } from "#collectors/formats/index.ts";
import { zoneOf } from "#collectors/zone.ts";
import { type Reprocessed, reprocess } from "#pipeline/ingest/reprocess.ts";
import { openStore } from "#pipeline/store/open-store.ts";
import { parseInstant } from "#pipeline/time-range.ts";
import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { printable, printableJson } from "#platform/terminal.ts";

import { currentStoreUrl } from "../current-store.ts";
import { openDataFolder } from "../data-folder.ts";
import { openProcessingState } from "../processing-state.ts";
import { deriveRules } from "../rules.ts";
import { indexSettings } from "../settings.ts";
import type { Command } from "./command.ts";
import { environmentWith, parseOptions } from "./options.ts";
import { printStoreProblems } from "./store-problems.ts";
import { useFormatsOf } from "./user-formats.ts";

export const reprocessCommand: Command = {
  name: "reprocess",
  summary: "Read quarantined lines again, after a fix or an update",
  help: `quarterdeck reprocess [--format NAME] [--path PATH] [--from TIME] [--data DIR] [--json]

Parses the quarantined lines with the present formats. Lines that can be parsed become events of their dataset, at their
own time; the others stay in quarantine. It may run beside a control plane, and may be repeated or interrupted.

  --format NAME  the format of the lines (default: the format of their file, or the one that is detected)
                 ${FORMATS.map((format) => format.dataset).join(", ")}
                 or the name of a format of yours (quarterdeck format list)
  --path PATH    only lines of this file; * stands for any text
  --from TIME    only lines since then, such as 2026-03-14, 2026-03-14T10:00:00Z or now-2h
  --data DIR     the data folder (default: QUARTERDECK_DATA, else ./data)
  --json         print the summary as one JSON object

  quarterdeck reprocess
  quarterdeck reprocess --format apache.access --path '/srv/*/access.log'`,

  async run(args) {
    const types = {
      format: { type: "string" },
      path: { type: "string" },
      from: { type: "string" },
    } as const;
    const { values, positionals } = parseOptions(args, { ...types, json: { type: "boolean" } });
    if (positionals.length > 0) {
      throw new AppError("bad_request", "reprocess takes no names: name a file by --path");
    }
    const { data } = parseSettings({ data: indexSettings }, environmentWith(values));
    openDataFolder(data);
    await useFormatsOf(data.dataFolder);
    await using store = await openStore({ url: currentStoreUrl(data), clock: systemClock });
    const { format, path, from } = values;
    const done = await reprocess(
      {
        store,
        clock: systemClock,
        rules: deriveRules(data),
        zone: zoneOf(data.timezone),
        processing: data.processing,
        ...openProcessingState({ ...data, clock: systemClock }),
      },
      {
        ...(typeof format === "string" && { format: formatNamed(format) }),
        ...(typeof path === "string" && { path }),
        ...(typeof from === "string" && {
          fromMs: parseInstant(from, "from", systemClock.nowMs()),
        }),
      },
    );
    process.stdout.write(`${values["json"] === true ? json(done) : text(done)}\n`);
    printStoreProblems(await store.status());
    return 0;
  },
};

const countOf = ({ events }: Reprocessed): number =>
  [...events.values()].reduce((sum, count) => sum + count, 0);

function json(done: Reprocessed): string {
  const { lines } = done;
  const quarantined = lines - countOf(done);
  return printableJson({ lines, events: Object.fromEntries(done.events), quarantined });
}

const grouped = new Intl.NumberFormat("en");

function text(done: Reprocessed): string {
  const parsed = countOf(done);
  const left = done.lines - parsed;
  const datasets = [...done.events].map(
    ([dataset, count]) => `  ${grouped.format(count)} ${printable(dataset)}`,
  );
  const head = `${grouped.format(done.lines)} quarantined lines → ${grouped.format(parsed)} events, ${grouped.format(left)} stay in quarantine`;
  return [head, ...datasets].join("\n");
}
