import { setTimeout as delay } from "node:timers/promises";

import type { SourceRow } from "#dashboards/sources/messages.ts";
import type { Channel, ChannelAddress } from "#platform/channel/port.ts";
import { followChannels, listenForChannels } from "#platform/channel/sockets.ts";

const ANSWER_MS_MAX = 2_000;

type Answer = { rows: SourceRow[] };

const addressOf = (dataFolder: string): ChannelAddress => ({
  dataFolder,
  name: "sources",
  protocol: "quarterdeck sources 1",
});

/** Tells commands of the same user on the same data folder the present state of the sources. */
export const serveSourceRows = (
  dataFolder: string,
  rows: () => SourceRow[],
): Promise<AsyncDisposable> =>
  listenForChannels(addressOf(dataFolder), (channel: Channel<never, Answer>) => {
    channel.post({ rows: rows() });
  });

/** The sources of the control plane that runs on the data folder; undefined if none answers. */
export async function askForSourceRows(dataFolder: string): Promise<Answer | undefined> {
  const answered = Promise.withResolvers<Answer>();
  const following = followChannels(addressOf(dataFolder), (channel: Channel<Answer, never>) =>
    channel.onMessage(answered.resolve),
  );
  const waiting = new AbortController();
  const late = delay(ANSWER_MS_MAX, undefined, { signal: waiting.signal }).catch(() => undefined);
  const answer = await Promise.race([answered.promise, late]);
  waiting.abort();
  await following[Symbol.asyncDispose]();
  return answer;
}
