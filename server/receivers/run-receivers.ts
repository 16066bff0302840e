import { once } from "node:events";

import { followSourcesFile } from "#collectors/configured/follow-sources.ts";
import { SecretFinder } from "#collectors/redaction/find-secrets.ts";
import { redactedText } from "#collectors/redaction/redact.ts";
import { allKinds } from "#pipeline/processing/processing.ts";
import { systemClock as clock } from "#platform/clock.ts";
import type { Log } from "#platform/log.ts";
import { publishActivity } from "#receivers/activity/activity-files.ts";
import { Activity } from "#receivers/activity/activity.ts";
import { type OpenReceivers, openReceivers } from "#receivers/open-receivers.ts";
import { TokenReader } from "#receivers/tokens/token-file.ts";

import { PIPELINE } from "../pipeline-ports.ts";
import type { ReceiveSettings } from "../settings.ts";

/** Receives pushed logs until the signal aborts. `onOpen` gets the addresses. @throws AppError if it cannot listen */
export async function runReceivers(
  { settings, log }: { settings: ReceiveSettings; log: Log },
  onOpen: (addresses: readonly string[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const { dataFolder, processing } = settings;
  const finder = new SecretFinder(new Set(allKinds(processing)));
  const activity = new Activity(clock, (text) => redactedText(finder, text));
  await using bus = PIPELINE.openBus(settings);
  const tokens = new TokenReader(dataFolder);
  const state: { receivers: OpenReceivers | undefined } = { receivers: undefined };
  const onFile = (): void => {
    state.receivers?.applySources().catch((error: unknown) => {
      log.error("a listener cannot be closed", { error });
    });
  };
  const followed = await followSourcesFile(dataFolder, onFile, signal);
  const sources = () => followed.file().sources;
  const deps = { dataFolder, bus, tokens, activity, clock, log, sources };
  await using receivers = await openReceivers(settings, deps);
  state.receivers = receivers;
  const { addresses, listeners } = receivers;
  using _ = publishActivity(dataFolder, {
    name: String(process.pid),
    addresses,
    listeners,
    activity,
    clock,
  });
  log.info("receivers listen for pushed logs", { addresses });
  onOpen(addresses);
  if (!signal.aborted) await once(signal, "abort");
}
