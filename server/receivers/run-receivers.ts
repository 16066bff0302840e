import type { Duplex } from "node:stream";

import { followSourcesFile } from "#collectors/configured/follow-sources.ts";
import { SecretFinder } from "#collectors/redaction/find-secrets.ts";
import { redactedText } from "#collectors/redaction/redact.ts";
import { allKinds } from "#pipeline/processing/processing.ts";
import { systemClock as clock } from "#platform/clock.ts";
import type { Log } from "#platform/log.ts";
import { publishActivity } from "#receivers/activity/activity-files.ts";
import { Activity } from "#receivers/activity/activity.ts";
import { heldListenersIn, type OpenReceivers, openReceivers } from "#receivers/open-receivers.ts";
import { openHolderLink } from "#receivers/sockets/holder-link.ts";
import { TokenReader } from "#receivers/tokens/token-file.ts";

import { PIPELINE } from "../pipeline-ports.ts";
import type { ReceiveSettings } from "../settings.ts";

/**
 * Receives what is pushed over HTTP, and what the socket holder at the other end of the channel has received, until that ends the
 * channel. @throws AppError if it cannot listen
 */
export async function runReceivers(
  { settings, log }: { settings: ReceiveSettings; log: Log },
  channel: Duplex,
): Promise<void> {
  const { dataFolder, processing } = settings;
  const finder = new SecretFinder(new Set(allKinds(processing)));
  const activity = new Activity(clock, (text) => redactedText(finder, text));
  await using bus = PIPELINE.openBus(settings);
  const tokens = new TokenReader(dataFolder);
  const link = await openHolderLink(channel, settings, { bus, activity, clock });
  const state: { receivers: OpenReceivers | undefined } = { receivers: undefined };
  const onFile = (): void => {
    if (!state.receivers) return;
    link.listen(heldListenersIn(sources()));
    state.receivers.applySources().catch((error: unknown) => {
      log.error("a listener cannot be closed", { error });
    });
  };
  using stack = new DisposableStack();
  const following = new AbortController();
  stack.defer(() => following.abort());
  const followed = await followSourcesFile(dataFolder, onFile, following.signal);
  const sources = () => followed.file().sources;
  const deps = { dataFolder, bus, tokens, activity, clock, log, sources };
  await using receivers = await openReceivers(settings, deps);
  state.receivers = receivers;
  const { addresses, listeners } = receivers;
  // Named after the holder, so that another receiver replaces the file of a killed one.
  const name = String(process.ppid);
  stack.use(publishActivity(dataFolder, { name, addresses, listeners, activity, clock }));
  log.info("receivers listen for pushed logs", { addresses });
  link.listen(heldListenersIn(sources()));
  await link.read(addresses);
}
