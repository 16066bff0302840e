import { mainExtents } from "#pipeline/metrics/main-extents.ts";
import { storeSettings } from "#pipeline/settings.ts";
import { hasEvents, openStore } from "#pipeline/store/open-store.ts";
import { parseRange } from "#pipeline/time-range.ts";
import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { dataFolderSettings } from "#platform/settings/data-folder.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { rangeOfAll } from "#server/board/tier.ts";

import { currentStoreUrl } from "../current-store.ts";
import type { Command } from "./command.ts";
import { SCRIPTS, type Shell, SHELLS, shellText } from "./completion-scripts.ts";
import { completionsFor, type WithStore } from "./completions.ts";
import { namesFrom } from "./deploys/completion-names.ts";
import { environmentWith, parseOptions } from "./options.ts";
import { parseShellLine } from "./shell-line.ts";

const HOUR_MS = 3_600_000;

/** `commands`: the names of all commands. */
export const completionCommand = (commands: readonly string[]): Command => ({
  name: "completion",
  summary: "Print the completion script of a shell",
  help: `quarterdeck completion bash|zsh|fish

Prints a script with which the shell completes commands, the options and metrics of quarterdeck query, and the fields and
values of --where and --by, from the stored events. It needs quarterdeck in the PATH (npm link).

  --line TEXT    instead of the script, what may follow the command line: the scripts use it

  bash           source <(quarterdeck completion bash)                 in ~/.bashrc
  zsh            source <(quarterdeck completion zsh)                  in ~/.zshrc, after compinit
  fish           quarterdeck completion fish | source                  in ~/.config/fish/config.fish`,

  async run(args) {
    const { values, positionals } = parseOptions(args, { line: { type: "string" } });
    const shell = SHELLS.find((name) => name === positionals[0]);
    if (!shell || positionals.length > 1) {
      throw new AppError("bad_request", `name a shell: quarterdeck completion ${SHELLS.join("|")}`);
    }
    const { line } = values;
    process.stdout.write(
      typeof line === "string" ? await completed(shell, line, commands) : SCRIPTS[shell],
    );
    return 0;
  },
});

async function completed(shell: Shell, text: string, commands: readonly string[]): Promise<string> {
  const line = parseShellLine(text);
  const deploys = namesFrom(line.words);
  const found = await completionsFor(line.words.slice(1), { commands, withStore, deploys });
  return shellText(shell, found, line);
}

/** Reads the store of `--data`, in the range of `--from` and `--to` or that of all data. */
const withStore: WithStore = async (words, read) => {
  const valueOf = (option: string): string | undefined => {
    const at = words.indexOf(option);
    return at >= 0 && at < words.length - 2 ? words[at + 1] : undefined;
  };
  const groups = { data: { ...dataFolderSettings, ...storeSettings } };
  const { data } = parseSettings(groups, environmentWith({ data: valueOf("--data") }));
  const url = currentStoreUrl(data);
  if (!hasEvents(url)) return undefined;
  await using store = await openStore({ url, clock: systemClock });
  const nowMs = systemClock.nowMs();
  const all = rangeOfAll(await mainExtents(store, nowMs), nowMs);
  const range = parseRange({ from: valueOf("--from"), to: valueOf("--to") }, nowMs) ?? {
    fromMs: all?.fromMs ?? nowMs - HOUR_MS,
    toMs: all ? all.toMs + 1 : nowMs,
  };
  return await read(store, range);
};
