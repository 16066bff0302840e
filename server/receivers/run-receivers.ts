import type { Duplex } from "node:stream";

import { followSourcesFile } from "#collectors/configured/follow-sources.ts";
import type { SourcesFile } from "#collectors/configured/sources-file.ts";
import { SecretFinder } from "#collectors/redaction/find-secrets.ts";
import { redactedText } from "#collectors/redaction/redact.ts";
import { allKinds } from "#pipeline/processing/processing.ts";
import { systemClock as clock } from "#platform/clock.ts";
import type { Log } from "#platform/log.ts";
import { publishActivity } from "#receivers/activity/activity-files.ts";
import { Activity } from "#receivers/activity/activity.ts";
import { openHttpReceiver } from "#receivers/http/http-receiver.ts";
import type { Receiver, ReceiverDeps } from "#receivers/receiver.ts";
import { listenersIn } from "#receivers/sockets/configured-listeners.ts";
import { openHolderLink } from "#receivers/sockets/holder-link.ts";
import { openTokenReader } from "#receivers/tokens/token-file.ts";

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
  const tokens = openTokenReader(dataFolder);
  const link = await openHolderLink(channel, settings, { bus, activity, clock });
  using stack = new DisposableStack();
  const following = new AbortController();
  stack.defer(() => following.abort());
  const listen = ({ sources }: SourcesFile): void => link.listen(listenersIn(sources));
  const followed = await followSourcesFile(dataFolder, listen, following.signal);
  const sources = () => followed.file().sources;
  const deps = { dataFolder, bus, tokens, activity, clock, log, sources };
  await using http = await openHttp(settings, deps);
  const addresses = http ? [http.address] : [];
  // Named after the holder, so that another receiver replaces the file of a killed one.
  const name = String(process.ppid);
  stack.use(publishActivity(dataFolder, { name, addresses, activity, clock }));
  log.info("receivers listen for pushed logs", { addresses });
  await link.read(addresses);
}

async function openHttp(
  { pushHost: host, pushPort: port }: ReceiveSettings,
  deps: ReceiverDeps,
): Promise<Receiver | undefined> {
  return port === "off" ? undefined : openHttpReceiver({ host, ...port }, deps);
}
