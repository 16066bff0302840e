import type { ProblemLevel } from "#platform/problems.ts";

type Kind = { level: ProblemLevel; summary: string; action: string };

/**
 * The kinds of problems of a control plane: how serious they are, what they mean for people who only see charts, and
 * what to do.
 */
export const KINDS = {
  database: {
    level: "error",
    summary: "The database does not respond, so that nobody can sign in.",
    action: "Check that PostgreSQL runs. An embedded one is started with Quarterdeck: restart it.",
  },
  store: {
    level: "error",
    summary: "The stored events cannot be read.",
    action: "Check the disk, and the owner and mode of the data folder.",
  },
  missing_events: {
    level: "error",
    summary: "Some stored events cannot be read, so that numbers may be incomplete.",
    action:
      "Restore the whole folder of the store from a backup while Quarterdeck is stopped, or read the original logs into a new data folder. Charts stay hatched over this time.",
  },
  store_file: {
    level: "error",
    summary: "Some stored events cannot be read, so that numbers may be incomplete.",
    action:
      "Check the disk. Restore the whole folder of the store from a backup while Quarterdeck is stopped; without a backup, delete the damaged file to end this message.",
  },
  repaired_file: {
    level: "warning",
    summary: "A damaged file of the store was repaired; no events are lost.",
    action: "Check the disk. Delete the damaged file in the folder broken to end this message.",
  },
  store_upkeep: {
    level: "warning",
    summary: "Stored events are not merged or not removed, so that boards become slower.",
    action:
      "It is tried again, less and less often. If it does not end, free memory or disk space.",
  },
  store_clock: {
    level: "warning",
    summary: "Expired events are kept, because the clock of this machine may be wrong.",
    action: "If the clock is wrong, set it. If it is right, run: quarterdeck retention --confirm",
  },
  store_space: {
    level: "warning",
    summary: "The disk of the stored events is nearly full.",
    action: "Free disk space, or shorten the retention of datasets by the Logging API.",
  },
  ingest: {
    level: "error",
    summary: "New events cannot be stored: reading has paused, and nothing is lost.",
    action:
      "Free disk space, or make the data folder writable. Storing is tried again every few seconds.",
  },
  bus: {
    level: "error",
    summary: "Logs that are pushed to the Logging API are refused.",
    action:
      "Free disk space, or wait until the events before them are stored. Senders have to send refused logs again.",
  },
  indexer: {
    level: "error",
    summary: "New events are not read, because the indexer does not run.",
    action: "Remove the cause. The indexer is started again every few seconds.",
  },
  no_indexer: {
    level: "warning",
    summary: "New events are not read, because no indexer is connected.",
    action: "Start one with: quarterdeck role index",
  },
  source: {
    level: "error",
    summary:
      "A log is not read, not completely, or has wrong times, so that numbers may be incomplete.",
    action:
      "Name files that exist and that this user may read. They are checked again every few seconds. Set the clock and the time zone of hosts whose lines have wrong times, or QUARTERDECK_TIMEZONE. After a fix, read quarantined lines again with: quarterdeck reprocess",
  },
  receiver: {
    level: "error",
    summary: "Logs that are pushed are not received, because a receiver does not run.",
    action:
      "Remove the cause; logs/sockets.log and logs/receive.log in the data folder may say more about it. The receiver is started again at least every 30 s. Until then senders over HTTP are refused and send again, and what open listeners get waits in memory.",
  },
  no_receiver: {
    level: "error",
    summary: "Logs that are pushed are not received, because no receiver runs any more.",
    action:
      "Start it again with: quarterdeck role receive. If nothing is to be pushed any more, delete the folder receivers of the data folder to end this message.",
  },
  listener: {
    level: "error",
    summary: "A listener is not open, so that logs that are sent to it are not received.",
    action:
      "Make its address free, or change the listener on the page Sources. It is tried again every few seconds.",
  },
  forecaster: {
    level: "warning",
    summary: "New forecasts are not computed.",
    action: "See the log of Quarterdeck. The next board that needs a forecast starts it again.",
  },
  no_forecaster: {
    level: "warning",
    summary: "New forecasts are not computed, because no forecaster is connected.",
    action: "Start one with: quarterdeck role forecast",
  },
  deploys: {
    level: "error",
    summary: "Deploys stand still; the traffic stays as it is.",
    action:
      "Look into logs/deploys.log in the data folder. The role is started again, or start it with: quarterdeck role deploys",
  },
  api: {
    level: "error",
    summary: "A domain API does not serve requests.",
    action: "See its log in the folder logs/api of the data folder. It is started again.",
  },
} as const satisfies Record<string, Kind>;

export type ProblemKind = keyof typeof KINDS;

/** Why there are no new forecasts. */
export type ForecasterProblem = {
  kind: Extract<ProblemKind, "forecaster" | "no_forecaster">;
  message: string;
};
