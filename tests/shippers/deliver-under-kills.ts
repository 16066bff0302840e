import { setTimeout as delay } from "node:timers/promises";

import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import type { EventReader, SearchRequest } from "#pipeline/store/port.ts";
import { systemClock } from "#platform/clock.ts";
import { freePort } from "#platform/free-port.ts";
import { TokenRequest } from "#receivers/tokens/push-token.ts";
import { addToken } from "#receivers/tokens/token-file.ts";

import { type Program, startProgram, temporaryFolder, until } from "../harness/program.ts";
import { numberIn, type Shipper } from "./shippers.ts";

/** `lost`: numbers of events that are not stored. `repeated`: events that are stored more than once. */
export type Delivered = {
  shipper: string;
  events: number;
  kills: number;
  lost: number[];
  repeated: number;
};

type Options = {
  events: number;
  /** Kills of the receiver and, in between, of the indexer. */
  kills: number;
  /** Time between two kills. */
  lifeMs: { min: number; max: number };
};

const PAGE = 5_000;
const STORED_MS_MAX = 180_000;

/** Delivers events while receiver and indexer are killed at random moments, and reads what is stored then. */
export async function deliverUnderKills(shipper: Shipper, options: Options): Promise<Delivered> {
  await using folder = await temporaryFolder();
  const data = `${folder.path}/data`;
  const port = String(await freePort());
  const env = { QUARTERDECK_DATA: data, QUARTERDECK_PUSH_PORT: port };
  const request = TokenRequest.parse({ name: shipper.name });
  const receive = (): Program => startProgram(["role", "receive"], { env });
  const index = (): Program => startProgram(["role", "index"], { env });
  const running = { receiver: receive(), indexer: index() };
  try {
    await running.receiver.printed(/(pushed to)/);
    const { secret } = await addToken(data, request, systemClock.nowMs());
    const { events } = options;
    const state = { isDelivered: false };
    const url = `http://127.0.0.1:${port}`;
    const delivering = shipper
      .deliver({ url, secret, events })
      .finally(() => (state.isDelivered = true));
    // Awaited below.
    delivering.catch(() => undefined);
    let kills = 0;
    while (kills < options.kills && !state.isDelivered) {
      const { min, max } = options.lifeMs;
      await delay(min + Math.random() * (max - min));
      await running.receiver.end("SIGKILL");
      running.receiver = receive();
      if (kills % 2 === 1) {
        await running.indexer.end("SIGKILL");
        running.indexer = index();
      }
      kills += 1;
      await running.receiver.printed(/(pushed to)/);
    }
    await delivering;
    const counts = await storedNumbers(data, events);
    const numbers = Array.from({ length: events }, (_, n) => n);
    const lost = numbers.filter((n) => !counts.has(n));
    const repeated = [...counts.values()].filter((count) => count > 1).length;
    return { shipper: shipper.name, events, kills, lost, repeated };
  } finally {
    await running.receiver.end("SIGTERM");
    await running.indexer.end("SIGTERM");
  }
}

/** How often each number is stored, once all are or nothing more is stored. */
async function storedNumbers(data: string, events: number): Promise<Map<number, number>> {
  await using store = await openStore({ url: storeUrlIn(data), clock: systemClock });
  const rows = async (): Promise<number> => {
    const extents = await store.extents();
    return extents.reduce((sum, extent) => sum + extent.rows, 0);
  };
  await until("the events to be stored", async () => (await rows()) >= events, STORED_MS_MAX).catch(
    () => undefined,
  );
  return await countNumbers(store);
}

async function countNumbers(store: EventReader): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, where: [], limit: PAGE };
  for (let after: SearchRequest["after"]; ;) {
    const page = await store.search({ ...all, ...(after && { after }) });
    for (const { fields } of page) {
      const n = numberIn(String(fields["message"] ?? fields["event.original"]));
      counts.set(n, (counts.get(n) ?? 0) + 1);
    }
    const last = page.at(-1);
    if (!last) return counts;
    after = { tMs: Date.parse(String(last.fields["@timestamp"])), id: last.id };
  }
}
