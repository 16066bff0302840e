import { setTimeout as delay } from "node:timers/promises";

import { temporaryFolder } from "../harness/program.ts";
import { startReceiver } from "./receiver.ts";
import type { Sender } from "./sending.ts";

export type Delivered = {
  name: string;
  transport: string;
  events: number;
  kills: number;
  /** Events that were not stored, and those that were stored several times. */
  lost: number;
  doubled: number;
  /** Of those that were lost: datagrams that the kernel dropped. */
  droppedByKernel: number;
};

const POLL_MS = 20;
const LINE_BYTES = 180;
/** The receiver is killed even if nothing arrives meanwhile. */
const WAIT_MS_MAX = 5_000;
/** Nothing arrives any more if nothing has for this long. */
const QUIET_MS = 4_000;
/** After a kill, the OpenTelemetry Collector waits up to 7.5 s until it sends again. */
const QUIET_AFTER_KILLS_MS = 10_000;

/** Lets a program send numbered events, while the receiver is killed so many times, at random. */
export async function deliver(
  sender: Sender,
  { events, kills, withHolder = false }: { events: number; kills: number; withHolder?: boolean },
): Promise<Delivered> {
  await using folder = await temporaryFolder();
  await using receiver = await startReceiver(folder.path);
  const { ports, secret, streamSocket, datagramSocket } = receiver;
  await using sending = await sender.start({
    events,
    folder: folder.path,
    ports,
    secret,
    streamSocket,
    datagramSocket,
  });
  for (let kill = 1; kill <= kills; kill += 1) {
    const endMs = performance.now() + WAIT_MS_MAX;
    const bytes = (events * LINE_BYTES * (kill - Math.random())) / kills;
    while ((await receiver.received()) < bytes && performance.now() < endMs) await delay(POLL_MS);
    await (withHolder ? receiver.killAll() : receiver.kill());
  }
  await sending.done;
  await receiver.quiet(kills > 0 ? QUIET_AFTER_KILLS_MS : QUIET_MS);
  await sending[Symbol.asyncDispose]();
  const droppedByKernel = await receiver.droppedByKernel();
  const numbers = await receiver.numbers();
  const distinct = new Set(numbers).size;
  return {
    name: sender.name,
    transport: sender.transport,
    events,
    kills,
    lost: events - distinct,
    doubled: numbers.length - distinct,
    droppedByKernel,
  };
}
