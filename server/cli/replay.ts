import { access } from "node:fs/promises";
import path from "node:path";

import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { openTerminal } from "#platform/terminal.ts";

import { ownRoles } from "../composition.ts";
import { openDataFolder } from "../data-folder.ts";
import { controlSettings, indexSettings } from "../settings.ts";
import type { WorkspaceKind } from "../workspace.ts";
import type { Command } from "./command.ts";
import { environmentWith, numberOption, parseOptions } from "./options.ts";
import { runControlPlane } from "./run-control-plane.ts";

export const replayCommand: Command = {
  name: "replay",
  summary: "Replay an old log as if it were live",
  help: `quarterdeck replay FILE [--speed X] [--data DIR] [--port N]

Opens the boards on a separate store and replays the file into it: the first line is now, the others follow at their
original distance divided by the speed, with the time at which they are replayed. Also reads .gz files.

  --speed X    multiple of the original speed (default 1; from 0.01 to 100000)

  quarterdeck replay access.log --speed 60`,

  async run(args) {
    const { values, positionals } = parseOptions(args, { speed: { type: "string" } });
    const [file, surplus] = positionals;
    if (file === undefined || surplus !== undefined) {
      throw new AppError(
        "bad_request",
        "name one log file, such as: quarterdeck replay access.log",
      );
    }
    await access(file).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new AppError("bad_request", `${file}: cannot be read (${why})`);
    });
    const speed = numberOption(values, "speed", { fallback: 1, min: 0.01, max: 100_000 });
    const { control, index } = parseSettings(
      { control: controlSettings, index: indexSettings },
      environmentWith(values),
    );
    const folder = openDataFolder(control);
    const terminal = openTerminal(process.stdout, systemClock);
    terminal.line(`Replaying ${file} at ${speed} × the original speed`);
    const workspace: WorkspaceKind = { kind: "replay", path: path.resolve(file), speed };
    const roles = ownRoles(folder, {
      index,
      receive: undefined,
      apis: undefined,
      deploys: false,
    });
    return runControlPlane(terminal, { settings: control, folder, workspace, roles });
  },
};
