/** A process that indexes pushed events, started beside a domain API; it ends with the process that started it. */
import { hostname } from "node:os";

import { logTo } from "#platform/log.ts";
import { parseSettings } from "#platform/settings/settings.ts";

import { indexSettings } from "../settings.ts";
import { runStandbyIndexer } from "./standby.ts";

const { index: settings } = parseSettings({ index: indexSettings }, process.env);
const log = logTo(
  { write: (line) => void process.stdout.write(line), close: () => undefined },
  {
    level: settings.logLevel,
    base: {
      "event.dataset": "index.log",
      "service.name": "index",
      "service.node.name": `${hostname()}/${process.pid}`,
    },
  },
);
const stop = new AbortController();
// Signals to the process group are handled by the parent, which then stops this process.
process.on("SIGINT", () => undefined);
process.on("SIGHUP", () => undefined);
process.once("SIGTERM", () => stop.abort());
process.once("disconnect", () => stop.abort());
await runStandbyIndexer({ settings, log }, stop.signal);
process.exit(0);
