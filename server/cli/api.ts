import { fstatSync } from "node:fs";
import { availableParallelism } from "node:os";

import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";
import { apiPortSettings } from "#api/kit/settings.ts";
import { AppError } from "#platform/errors.ts";
import { openDispatcher } from "#platform/processes/connection-dispatcher.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { printable } from "#platform/terminal.ts";

import { followPlace } from "../apis/followed-place.ts";
import { openInstallation, workerInput } from "../apis/installation.ts";
import { openLogFile } from "../apis/log-file.ts";
import type { ApisPlace } from "../apis/place.ts";
import { workerSettings } from "../apis/service-settings.ts";
import { type ServiceWorkersOptions, startServiceWorkers } from "../apis/service-workers.ts";
import type { WorkerInput } from "../apis/worker-input.ts";
import { startStandbyIndexer } from "../indexer/start-standby.ts";
import { apiHostSettings, indexSettings } from "../settings.ts";
import type { Command } from "./command.ts";
import { environmentWith, numberOption, type Options, parseOptions } from "./options.ts";
import { untilSignal } from "./until-signal.ts";

const WORKERS_MAX = 64;

export const apiCommand: Command = {
  name: "api",
  summary: "Start a single domain API",
  help: `quarterdeck api NAME [--port N] [--workers N] [--data DIR] [--host H] [--follow-demo]

Starts one of ${SERVICE_NAMES.join(", ")}: worker processes behind one port, each replaced if it dies or hangs. It uses
the PostgreSQL in DATABASE_URL, else the embedded one of the data folder, and the root key in API_ROOT_KEY, else
the one in api/root-key of the data folder. With Logging it also starts an indexer, which stores pushed events unless a
control plane on the data folder does. The logs (JSON, ECS) go to stdout or, if that is a terminal, to
logs/api/NAME.ndjson of the data folder. Messages for people go to stderr.

  --port N     the port (default: 4601 for accounts to 4605 for reporting)
  --workers N  worker processes (default: API_WORKERS, else one per CPU)
  --data DIR   the data folder (default: QUARTERDECK_DATA, else ./data)
  --host H     the address to listen on (default 127.0.0.1)
  --follow-demo  with the data of the demo while the control plane of the data folder shows it, as under quarterdeck start;
                 the logs go to stdout and to logs/api of these data

SIGTERM and SIGINT stop it after the requests in flight; a second one stops it immediately. SIGHUP replaces the workers
one by one.

  quarterdeck api accounts --port 4601`,

  async run(args) {
    const { values, positionals } = parseOptions(args, {
      workers: { type: "string" },
      "follow-demo": { type: "boolean" },
    });
    const service = serviceOf(positionals);
    const { apis: settings, listen } = settingsOf(service, values);
    const range = { fallback: settings.workers, min: 0, max: WORKERS_MAX };
    const count = numberOption(values, "workers", range) || availableParallelism();
    const stopped = untilSignal(["SIGINT", "SIGTERM"]);
    let replaceWorkers: (() => void) | undefined;
    process.on("SIGHUP", () => replaceWorkers?.());
    await using started = new AsyncDisposableStack();
    const installation = await openInstallation(settings);
    started.defer(() => installation.close());
    const followsDemo = values["follow-demo"] === true;
    const { dataFolder } = settings;
    const place = await followPlace(installation, { dataFolder, followsDemo });
    started.defer(() => place.close());
    const output = logOutput(service, { place: place.current, followsDemo });
    started.defer(() => output.close());
    const { port } = listen;
    const dispatcher = await openDispatcher({ host: settings.host, port, ifTaken: "fail" });
    started.defer(() => dispatcher.close());
    // With a control plane there is an indexer.
    if (service === "logging" && !followsDemo) {
      const indexer = startStandbyIndexer(settings.dataFolder, { ...output, notify });
      started.defer(() => indexer.stop());
    }
    const inputNow = (): WorkerInput =>
      workerInput(service, {
        ...settings,
        ...installation,
        ...place.current(),
        urls: { [service]: dispatcher.url },
      });
    const workers = startServiceWorkers(dispatcher, {
      service,
      count,
      input: inputNow(),
      retryStart: false,
      writeLines: output.writeLines,
      notify,
    });
    started.defer(() => workers.stop());
    await Promise.race([workers.ready, stopped]);
    notify(
      `The ${service} API is at ${dispatcher.url} (${dispatcher.url}/docs), workers: ${count}.`,
    );
    if (output.file !== undefined) notify(`Its log: ${output.file}`);
    const restart = (): void => {
      const restarted = workers.restart(inputNow()).then(output.reopen);
      restarted.catch((error: unknown) => notify(String(error)));
    };
    replaceWorkers = restart;
    place.onChanged(restart);
    await stopped;
    replaceWorkers = undefined;
    notify("Stopping: finishing requests in flight …");
    return 0;
  },
};

/** Checks all settings of the processes, so that mistakes are shown before any process is started. */
function settingsOf(service: ServiceName, values: Options["values"]) {
  return parseSettings(
    {
      apis: apiHostSettings,
      listen: { port: apiPortSettings[service] },
      ...workerSettings(service),
      ...(service === "logging" ? { index: indexSettings } : {}),
    },
    environmentWith(values, apiPortSettings[service].variable),
  );
}

const notify = (line: string): void => void process.stderr.write(`${printable(line)}\n`);
const writeOut = (lines: string): void => void process.stdout.write(lines);

function serviceOf([name, surplus]: readonly string[]): ServiceName {
  const service = SERVICE_NAMES.find((it) => it === name);
  if (service !== undefined && surplus === undefined) return service;
  throw new AppError(
    "bad_request",
    `name one of ${SERVICE_NAMES.join(", ")}, such as: quarterdeck api accounts`,
  );
}

type Output = {
  file: string | undefined;
  writeLines: ServiceWorkersOptions["writeLines"];
  /** Goes on in the files of the present place. */
  reopen(): void;
  close(): void;
};

type OutputOptions = { place(): ApisPlace; followsDemo: boolean };

/** Logs are machine-readable JSON, so at a terminal they are written to a file. */
function logOutput(service: ServiceName, { place, followsDemo }: OutputOptions): Output {
  // Undefined if there is no terminal.
  const isTerminal = process.stdout.isTTY;
  if (!isTerminal && !followsDemo) {
    // Several processes can append to one file; in a pipe their lines could mix, so this process writes them.
    const writeLines = fstatSync(process.stdout.fd).isFile() ? "directly" : writeOut;
    return { file: undefined, writeLines, reopen: () => undefined, close: () => undefined };
  }
  let files = openLogFile(place().dataFolder, service);
  return {
    file: isTerminal ? files.file : undefined,
    writeLines(lines) {
      files.write(lines);
      if (!isTerminal) writeOut(lines);
    },
    reopen() {
      files.close();
      files = openLogFile(place().dataFolder, service);
    },
    close: () => files.close(),
  };
}
