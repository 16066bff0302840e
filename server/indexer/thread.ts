/** An indexer in a thread of the control plane. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";

import type { FromIndexer, ToIndexer } from "#pipeline/live-link/messages.ts";
import { LivePublisher } from "#pipeline/live-link/publisher.ts";
import type { Expired } from "#pipeline/store/port.ts";
import { messagePortChannel } from "#platform/channel/message-port-channel.ts";
import { systemClock } from "#platform/clock.ts";

import { type IndexerTask, runIndexer } from "./run-indexer.ts";

export type IndexerThreadData = { task: IndexerTask; port: MessagePort };
/** Posted by the thread: deleted events, and last that it has ended. */
export type IndexerReport =
  | { type: "expired"; expired: readonly Expired[] }
  | { type: "ended"; error: string | null };

const parent = parentPort;
if (!parent) throw new Error("server/indexer/thread.ts runs as a worker thread only");
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- indexer.ts starts it, with this and nothing else
const { task, port } = workerData as IndexerThreadData;
const stop = new AbortController();
parent.once("message", () => stop.abort());
const publisher = new LivePublisher(systemClock);
publisher.attach(messagePortChannel<ToIndexer, FromIndexer>(port));
const report = (message: IndexerReport): void => parent.postMessage(message);
const end = (error: string | null): void => {
  publisher.close();
  report({ type: "ended", error });
};
const onExpired = (expired: readonly Expired[]): void => report({ type: "expired", expired });
runIndexer(task, { publisher, onExpired }, stop.signal).then(
  () => end(null),
  (error: unknown) => end(error instanceof Error ? (error.stack ?? error.message) : String(error)),
);
