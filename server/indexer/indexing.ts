import { type ControlEnd, liveAddress } from "#pipeline/live-link/messages.ts";
import { followChannels } from "#platform/channel/sockets.ts";

import type { DataFolder } from "../data-folder.ts";
import type { IndexSettings } from "../settings.ts";
import { type Indexer, type IndexerListeners, startIndexer } from "./indexer.ts";
import { indexerTask, type WhatToIndex } from "./task.ts";

/** The indexer or indexers of a control plane. */
export type Indexing = {
  start(what: WhatToIndex, listeners: IndexerListeners): Indexer;
  /** Whether the indexer runs in this process. Otherwise there may be none at the moment. */
  isOwn: boolean;
};

export const ownIndexer = (settings: IndexSettings, folder: DataFolder): Indexing => ({
  isOwn: true,
  start: (what, listeners) => startIndexer(indexerTask(settings, folder, what), listeners),
});

/** The indexers that other processes run on the data folder. Those processes choose what to index. */
export const otherIndexers = (dataFolder: string): Indexing => ({
  isOwn: false,
  start(_what, { attach }) {
    const following = followChannels(liveAddress(dataFolder), (channel: ControlEnd) =>
      attach(channel),
    );
    return {
      async stop() {
        await following[Symbol.asyncDispose]();
      },
    };
  },
});
