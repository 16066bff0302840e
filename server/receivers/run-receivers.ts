import { once } from "node:events";

import { busUrlIn, openBus } from "#pipeline/bus/open-bus.ts";
import { systemClock as clock } from "#platform/clock.ts";
import type { Log } from "#platform/log.ts";
import { publishActivity } from "#receivers/activity/activity-files.ts";
import { Activity } from "#receivers/activity/activity.ts";
import { openReceivers } from "#receivers/open-receivers.ts";
import { TokenReader } from "#receivers/tokens/token-file.ts";

import type { ReceiveSettings } from "../settings.ts";

/** Receives pushed logs until the signal aborts. `onOpen` gets the addresses. @throws AppError if it cannot listen */
export async function runReceivers(
  { settings, log }: { settings: ReceiveSettings; log: Log },
  onOpen: (addresses: readonly string[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const { dataFolder, busUrl } = settings;
  const activity = new Activity(clock);
  await using bus = openBus({ url: busUrl ?? busUrlIn(dataFolder) });
  const tokens = new TokenReader(dataFolder);
  await using receivers = await openReceivers(settings, { bus, tokens, activity, clock, log });
  const { addresses } = receivers;
  using _ = publishActivity(dataFolder, {
    name: String(process.pid),
    addresses,
    activity,
    clock,
  });
  log.info("receivers listen for pushed logs", { addresses });
  onOpen(addresses);
  if (!signal.aborted) await once(signal, "abort");
}
