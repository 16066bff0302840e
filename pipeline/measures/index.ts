import { liveCounts } from "../live/second-counts.ts";
import { bytesSent } from "./bytes-sent.ts";
import { cache } from "./cache.ts";
import { clientErrors } from "./client-errors.ts";
import { connections } from "./connections.ts";
import {
  cacheHitRatio,
  databaseConnections,
  databaseLockWaits,
  replicationLag,
} from "./databases.ts";
import { errors } from "./errors.ts";
import { events } from "./events.ts";
import { instances } from "./instances.ts";
import type { Measure } from "./measure.ts";
import { queueLength } from "./queue-length.ts";
import { requests } from "./requests.ts";
import { responseTime } from "./response-time.ts";
import { signIns } from "./sign-ins.ts";
import { signOuts } from "./sign-outs.ts";
import { users } from "./users.ts";

/** Every measure, in the order in which the catalogue lists their metrics. */
export const MEASURES: readonly Measure[] = [
  requests,
  errors,
  clientErrors,
  responseTime,
  users,
  signIns,
  signOuts,
  instances,
  cache,
  bytesSent,
  events,
  connections,
  queueLength,
  databaseConnections,
  databaseLockWaits,
  replicationLag,
  cacheHitRatio,
];

/** The measures with a value per second in live frames. */
export const LIVE_COUNTS = MEASURES.filter(({ live }) => live === liveCounts);
