import { Client } from "pg";

import type { Log } from "../log.ts";

/** What other processes say through PostgreSQL (LISTEN/NOTIFY): wake-ups, not data. */
export type Notifications = {
  /**
   * Calls back for every notification on a channel of this service, and with `undefined` when some may have been missed
   * (the connection was away): then everything must be looked at again.
   */
  on(channel: string, heard: (payload: string | undefined) => void): void;
  /** Whether it hears at the moment. Caches that are kept true by notifications must not be used while it is deaf. */
  hears(): boolean;
  close(): Promise<void>;
};

const RECONNECT_MS = 500;
/** A connection that is open on our side only says nothing either: it is asked so often, and given up after so long. */
const ASK_MS = 2_000;
const SILENCE_MS_MAX = 3_000;

// oxlint-disable max-lines-per-function -- one connection and its life
/** Channels carry the schema's name before theirs: `SELECT pg_notify('accounts.tokens', …)`. */
export function openNotifications(options: {
  url: string;
  schema: string;
  log: Log;
}): Notifications {
  const listeners = new Map<string, ((payload: string | undefined) => void)[]>();
  const state: { client: Client | undefined; hears: boolean; closed: boolean } = {
    client: undefined,
    hears: false,
    closed: false,
  };
  let timer: NodeJS.Timeout | undefined;

  async function connect(): Promise<void> {
    const client = new Client({
      connectionString: options.url,
      application_name: `${options.schema} listener`,
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      query_timeout: SILENCE_MS_MAX,
    });
    client.on("error", () => lost(client));
    client.on("end", () => lost(client));
    client.on("notification", ({ channel, payload }) => {
      for (const heard of listeners.get(channel) ?? []) heard(payload ?? "");
    });
    state.client = client;
    try {
      await client.connect();
      for (const channel of listeners.keys()) await client.query(`LISTEN "${channel}"`);
      state.hears = true;
      for (const all of listeners.values()) for (const heard of all) heard(undefined);
      askSoon(client);
    } catch {
      lost(client);
    }
  }

  function askSoon(client: Client): void {
    timer = setTimeout(() => {
      client.query("SELECT 1").then(
        () => state.client === client && askSoon(client),
        () => lost(client),
      );
    }, ASK_MS);
    timer.unref();
  }

  function lost(client: Client): void {
    if (state.client !== client || state.closed) return;
    state.client = undefined;
    state.hears = false;
    client.end().catch(() => undefined);
    clearTimeout(timer);
    timer = setTimeout(() => void connect(), RECONNECT_MS);
    timer.unref();
  }

  void connect();
  return {
    on(channel, heard) {
      const name = `${options.schema}.${channel}`;
      const known = listeners.get(name);
      listeners.set(name, [...(known ?? []), heard]);
      if (known === undefined && state.hears) {
        const { client } = state;
        // What is not listened to must not be taken for silence.
        client?.query(`LISTEN "${name}"`).catch(() => lost(client));
      }
    },
    hears: () => state.hears,
    async close() {
      state.closed = true;
      state.hears = false;
      clearTimeout(timer);
      await state.client?.end().catch(() => undefined);
    },
  };
}
