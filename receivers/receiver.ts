import type { ConfiguredSource } from "#collectors/configured/sources-file.ts";
import type { BusProducer } from "#pipeline/bus/port.ts";
import type { Clock } from "#platform/clock.ts";
import type { Log } from "#platform/log.ts";

import type { Activity } from "./activity/activity.ts";
import type { TokenReader } from "./tokens/token-file.ts";

export type ReceiverDeps = {
  dataFolder: string;
  bus: BusProducer;
  tokens: TokenReader;
  activity: Activity;
  /** The sources in the data folder's file, of which some are receivers. */
  sources(): readonly ConfiguredSource[];
  clock: Clock;
  log: Log;
};

/** Receives pushed logs while it is open. What it has acknowledged is on the bus. */
export type Receiver = AsyncDisposable & {
  /** Where it listens, for people: `http://127.0.0.1:4680`. */
  readonly address: string;
};
