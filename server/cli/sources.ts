import type { Positions } from "#collectors/source.ts";
import type { SourceRow } from "#dashboards/sources/messages.ts";
import { PUSHED_EVENTS } from "#pipeline/ingest/pushed-status.ts";
import { droppedOfPushed, storedRecognition } from "#pipeline/ingest/recognition.ts";
import { storedIn } from "#pipeline/ingest/stored-formats.ts";
import { storeSettings } from "#pipeline/settings.ts";
import { openStore } from "#pipeline/store/open-store.ts";
import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { dataFolderSettings } from "#platform/settings/data-folder.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { printable, printableJson } from "#platform/terminal.ts";
import { readActivity } from "#receivers/activity/activity-files.ts";
import type { StreamActivity } from "#receivers/activity/activity.ts";

import { currentStoreUrl, findRunning } from "../current-store.ts";
import { openDataFolder } from "../data-folder.ts";
import { askForSourceRows } from "../sources/sources-channel.ts";
import type { Command } from "./command.ts";
import { SOURCE_EDITS } from "./edit-sources.ts";
import { environmentWith, parseOptions } from "./options.ts";
import { sourceTable } from "./source-table.ts";

export const sourcesCommand: Command = {
  name: "sources",
  summary: "Show what is connected, in which state it is, and add, change and remove sources",
  help: `quarterdeck sources [--json] [--data DIR]
quarterdeck sources kinds
quarterdeck sources add NAME --kind KIND --set PROPERTY=VALUE… [--secret PROPERTY] [--data DIR]
quarterdeck sources change NAME --set PROPERTY=VALUE… [--secret PROPERTY] [--data DIR]
quarterdeck sources remove NAME [--data DIR]

While a control plane runs on the data folder, shows the state of each source first: rate, newest event, what is not read yet,
quarantined lines, formats, and what is wrong. At most 500, those with problems first.

Shows of each log the number of its events by dataset, where quarterdeck.quarantine has the lines that no format can
parse; the zone of times without one; and the units of durations that were guessed. The numbers of
events continue over rotations. Then it shows what receivers got since they were started: of each stream that is pushed,
its token, the number of events, the newest one, and why events were refused.

Sources are added, changed and removed in DATA/sources.yaml, which a running Quarterdeck follows, as the page Sources does.

  kinds                 list the kinds of sources with their properties
  --set PROPERTY=VALUE  a property; of a list, repeat it. An empty value removes it
  --secret PROPERTY     read a secret from the standard input into a file that only its owner may read
  --json                print one JSON object for each log
  --data DIR            the data folder (default: QUARTERDECK_DATA, else ./data)

  quarterdeck sources add web --kind files --set 'paths=/var/log/nginx/*.log'
  quarterdeck sources add edge --kind syslog --set transport=udp --set port=5514
  quarterdeck sources add shop --kind database --set url=postgres://q@db.example/shop --secret passwordFile < password`,

  async run(args) {
    const { values, positionals } = parseOptions(args, {
      json: { type: "boolean" },
      kind: { type: "string" },
      set: { type: "string", multiple: true },
      secret: { type: "string" },
    });
    const [action, ...names] = positionals;
    const groups = { data: { ...dataFolderSettings, ...storeSettings } };
    const { data } = parseSettings(groups, environmentWith(values));
    if (action !== undefined) {
      const edit = Object.hasOwn(SOURCE_EDITS, action) ? SOURCE_EDITS[action] : undefined;
      if (!edit) throw new AppError("bad_request", "say kinds, add, change or remove, or nothing");
      const { root: dataFolder } = openDataFolder(data);
      process.stdout.write(`${printableLines(await edit({ dataFolder, values, names }))}\n`);
      return 0;
    }
    const live = findRunning(data.dataFolder) && (await askForSourceRows(data.dataFolder));
    const table = live ? tableOf(live.rows, values["json"] === true) : [];
    await using store = await openStore({ url: currentStoreUrl(data), clock: systemClock });
    const sources = sourcesIn(await store.positions());
    const lines = sources.map((source) => (values["json"] ? printableJson(source) : shown(source)));
    const pushed = readActivity(data.dataFolder, systemClock.nowMs()).flatMap((it) =>
      it.streams.map((stream) =>
        values["json"] ? printableJson(stream) : shownStream(stream, it.addresses),
      ),
    );
    process.stdout.write(
      `${[...table, ...lines, ...pushed].join("\n") || "No log was read yet."}\n`,
    );
    return 0;
  },
};

const printableLines = (text: string): string => text.split("\n").map(printable).join("\n");

const tableOf = (rows: readonly SourceRow[], isJson: boolean): string[] =>
  isJson ? rows.map((row) => printableJson(row)) : [sourceTable(rows, systemClock.nowMs()), ""];

type Recognised = { path: string; notes: string[] };

/** The latest stream of each path, and what rules dropped of pushed events. */
function sourcesIn(positions: Positions): Recognised[] {
  const byPath = new Map<string, Recognised>();
  for (const position of positions.values()) {
    const { path } = storedIn(position);
    const message = storedRecognition(position);
    if (path !== "" && message !== undefined)
      byPath.set(path, { path, notes: message.split("; ") });
  }
  const logs = [...byPath.values()].toSorted((a, b) => a.path.localeCompare(b.path));
  const dropped = droppedOfPushed(positions.values());
  return dropped === undefined ? logs : [...logs, { path: PUSHED_EVENTS, notes: [dropped] }];
}

const shown = ({ path, notes }: Recognised): string =>
  [printable(path), ...notes.map((note) => `  ${printable(note)}`)].join("\n");

/** A pushed stream, and where its receiver listens. */
function shownStream(stream: StreamActivity, addresses: readonly string[]): string {
  const { protocol, tokenName, events, refused, refusal, dropped, lastMs } = stream;
  const notes = [
    `by ${protocol}${tokenName === "" ? "" : ` with the token ${tokenName}`}, to ${addresses.join(", ")}`,
    `${events} events; newest ${new Date(lastMs).toISOString()}`,
    ...(refused > 0 ? [`${refused} refused: ${refusal}`] : []),
    ...(dropped > 0 ? [`${dropped} lost: they could not be kept, and the sender cannot wait`] : []),
  ];
  const name = stream.stream === "" ? "pushed events" : stream.stream;
  return [printable(name), ...notes.map((note) => `  ${printable(note)}`)].join("\n");
}
