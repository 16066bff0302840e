/** The socket holder in a thread of the control plane, so that a burst of pushed events never delays a page. */
import { parentPort, workerData } from "node:worker_threads";

import { openLog } from "#platform/log.ts";

import type { ReceiversReport, ReceiversThreadData } from "./receivers-thread.ts";
import { holderLogFile, runHolder } from "./run-holder.ts";

const parent = parentPort;
if (!parent) throw new Error("server/receivers/thread.ts runs as a worker thread only");
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- receivers-thread.ts starts it, with this and nothing else
const { settings, logFile } = workerData as ReceiversThreadData;
const stop = new AbortController();
parent.once("message", () => stop.abort());
const report = (message: ReceiversReport): void => parent.postMessage(message);
const log = openLog({ file: holderLogFile(logFile), level: settings.logLevel });
runHolder(
  { settings, logFile },
  {
    log,
    onOpen: (addresses) => report({ type: "open", addresses }),
    notify: (line) => report({ type: "notice", line }),
  },
  stop.signal,
).then(
  () => report({ type: "ended", error: null }),
  (error: unknown) =>
    report({ type: "ended", error: error instanceof Error ? error.message : String(error) }),
);
