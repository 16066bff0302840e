import { Client } from "pg";

import type { Log } from "../log.ts";

/** Wake-ups from other processes through PostgreSQL (LISTEN/NOTIFY). They carry no data that must not be lost. */
export type Notifications = {
  /**
   * Calls the listener for every notification on a channel of this service, and with `undefined` if notifications may
   * have been missed because the connection was lost: the listener must then read everything again.
   */
  on(channel: string, listener: (payload: string | undefined) => void): void;
  /** Whether notifications arrive now. Otherwise caches that they invalidate must not be used. */
  isListening(): boolean;
  close(): Promise<void>;
};

const RECONNECT_MS = 500;
/** A half-open connection looks like a quiet one, so the connection is checked. */
const CHECK_EVERY_MS = 2_000;
const RESPONSE_MS_MAX = 3_000;

// oxlint-disable max-lines-per-function -- the state of one connection
/** Names of channels are prefixed with the schema: `SELECT pg_notify('accounts.tokens', …)`. */
export function openNotifications(options: {
  url: string;
  schema: string;
  log: Log;
}): Notifications {
  const listeners = new Map<string, ((payload: string | undefined) => void)[]>();
  const state: { client: Client | undefined; listening: boolean; closed: boolean } = {
    client: undefined,
    listening: false,
    closed: false,
  };
  let timer: NodeJS.Timeout | undefined;

  async function connect(): Promise<void> {
    const client = new Client({
      connectionString: options.url,
      application_name: `${options.schema} listener`,
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      query_timeout: RESPONSE_MS_MAX,
    });
    client.on("error", () => lost(client));
    client.on("end", () => lost(client));
    client.on("notification", ({ channel, payload }) => {
      for (const listener of listeners.get(channel) ?? []) listener(payload ?? "");
    });
    state.client = client;
    try {
      await client.connect();
      for (const channel of listeners.keys()) await client.query(`LISTEN "${channel}"`);
      state.listening = true;
      for (const all of listeners.values()) for (const listener of all) listener(undefined);
      checkLater(client);
    } catch {
      lost(client);
    }
  }

  function checkLater(client: Client): void {
    timer = setTimeout(() => {
      client.query("SELECT 1").then(
        () => state.client === client && checkLater(client),
        () => lost(client),
      );
    }, CHECK_EVERY_MS);
    timer.unref();
  }

  function lost(client: Client): void {
    if (state.client !== client || state.closed) return;
    state.client = undefined;
    state.listening = false;
    client.end().catch(() => undefined);
    clearTimeout(timer);
    timer = setTimeout(() => void connect(), RECONNECT_MS);
    timer.unref();
  }

  void connect();
  return {
    on(channel, listener) {
      const name = `${options.schema}.${channel}`;
      const known = listeners.get(name);
      listeners.set(name, [...(known ?? []), listener]);
      if (known === undefined && state.listening) {
        const { client } = state;
        // Without LISTEN the channel would only seem quiet.
        client?.query(`LISTEN "${name}"`).catch(() => lost(client));
      }
    },
    isListening: () => state.listening,
    async close() {
      state.closed = true;
      state.listening = false;
      clearTimeout(timer);
      await state.client?.end().catch(() => undefined);
    },
  };
}
