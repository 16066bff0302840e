import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "vitest";

import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import type { EventDocument } from "#pipeline/store/port.ts";
import { systemClock } from "#platform/clock.ts";
import { silentLog } from "#platform/log.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { runStandbyIndexer } from "#server/indexer/standby.ts";
import { runHolder } from "#server/receivers/run-holder.ts";
import { indexSettings, receiveSettings } from "#server/settings.ts";

import { TokenRequest } from "./tokens/push-token.ts";
import { addToken } from "./tokens/token-file.ts";

type Answer = { status: number; headers: Headers; text: string; json: unknown };
type Sent = {
  body?: string | Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
  as?: string;
};

export type TestReceivers = AsyncDisposable & {
  dataFolder: string;
  url: string;
  /** Where the receivers listen, the HTTP receiver first. */
  addresses: readonly string[];
  /** A token for all datasets. */
  secret: string;
  newToken(request?: Partial<TokenRequest>): Promise<string>;
  /** Sends a request, with the token unless `as` is another one, or empty. */
  send(method: string, path: string, sent?: Sent): Promise<Answer>;
  /** The fields of all stored events, oldest first. */
  events(): Promise<Record<string, unknown>[]>;
  /** The same once there are this many. */
  stored(count: number): Promise<Record<string, unknown>[]>;
};

const EVENTS_MAX = 5_000;

/** Receivers on their own data folder, with an indexer. `settings`: environment variables that turn on more of them. */
export async function testReceivers(settings: Record<string, string> = {}): Promise<TestReceivers> {
  const dataFolder = await mkdtemp(join(tmpdir(), "quarterdeck receivers "));
  const env = { QUARTERDECK_DATA: dataFolder, QUARTERDECK_PUSH_PORT: "0", ...settings };
  const { index, receive } = parseSettings({ index: indexSettings, receive: receiveSettings }, env);
  const stopping = new AbortController();
  const log = silentLog();
  const indexing = runStandbyIndexer({ settings: index, log }, stopping.signal);
  const { promise: opened, resolve, reject } = Promise.withResolvers<readonly string[]>();
  const logFile = join(dataFolder, "receive.log");
  const deps = { log, onOpen: resolve, notify: () => undefined };
  const receiving = runHolder({ settings: receive, logFile }, deps, stopping.signal);
  receiving.catch(reject);
  const addresses = await opened;
  const [url = ""] = addresses;
  let tokens = 0;
  const newToken = async (request: Partial<TokenRequest> = {}): Promise<string> => {
    tokens += 1;
    const whole = TokenRequest.parse({ name: `token ${tokens}`, ...request });
    return (await addToken(dataFolder, whole, systemClock.nowMs())).secret;
  };
  const secret = await newToken();
  return {
    dataFolder,
    url,
    addresses,
    secret,
    newToken,
    async send(method, path, { body, headers = {}, as = secret } = {}) {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { ...(as !== "" && { authorization: `Bearer ${as}` }), ...headers },
        ...(body !== undefined && { body }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, json: jsonIn(text) };
    },
    events: () => storedEvents(dataFolder),
    async stored(count) {
      await expect
        .poll(async () => (await storedEvents(dataFolder)).length, {
          timeout: 30_000,
          interval: 100,
        })
        .toBe(count);
      return storedEvents(dataFolder);
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await Promise.all([receiving, indexing]);
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function storedEvents(dataFolder: string): Promise<Record<string, unknown>[]> {
  await using store = await openStore({ url: storeUrlIn(dataFolder), clock: systemClock });
  const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, where: [], limit: EVENTS_MAX };
  const events: EventDocument[] = await store.search(all);
  return events.map(({ fields }) => fields).toReversed();
}
