import type { IncomingMessage } from "node:http";
import path from "node:path";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { BodyBuffers } from "#platform/http/body-buffers.ts";
import { createListener } from "#platform/http/listener.ts";
import { rejectMalformedRequests } from "#platform/http/malformed-request.ts";
import { createRateLimit, type RateLimit } from "#platform/http/rate-limit.ts";
import { openServer } from "#platform/http/server.ts";
import { openFilesMax } from "#platform/open-files.ts";
import { createLastWrites } from "#platform/postgres/last-writes.ts";
import type { ServiceDatabase } from "#platform/postgres/service-database.ts";

import { Identities } from "../delivery/identities.ts";
import { EventRates } from "../delivery/rate.ts";
import { Packer } from "../packing/packer.ts";
import type { Receiver, ReceiverDeps } from "../receiver.ts";
import { httpsGet } from "../sns/https-get.ts";
import { RecentIds } from "../sns/recent-ids.ts";
import { RECENT_MESSAGES } from "../sns/sns-inbox.ts";
import { limitConnections } from "./connection-limit.ts";
import { pushRoutes } from "./push-routes.ts";
import { tokenAccess } from "./token-access.ts";

/** Of all files and sockets that the process may open. */
const CONNECTIONS_SHARE = 1 / 4;
/** Requests without a valid token, from one address. */
const INVALID = { burst: 60, refillMs: 1_000, keysMax: 10_000 };

/** Receives logs over HTTP. @throws AppError if it cannot listen */
export async function openHttpReceiver(
  listen: { host: string; port: number; ifTaken: "next" | "fail" },
  deps: ReceiverDeps,
): Promise<Receiver> {
  const { bus, activity, tokens, clock, log, sources } = deps;
  const stopping = new AbortController();
  const identities = new Identities();
  const folder = path.join(deps.dataFolder, "receivers");
  await identities.read(bus, path.join(folder, "identities"), clock.nowMs());
  const file = path.join(folder, "sns-messages");
  const recent = await RecentIds.open(RECENT_MESSAGES, { bus, file, clock });
  const packer = new Packer();
  const delivery = {
    bus,
    activity,
    rates: new EventRates(),
    identities,
    packer,
    bodies: new BodyBuffers(packer.bodyMemory()),
  };
  const listener = createListener(
    pushRoutes({ ...delivery, clock, sources, get: httpsGet, recent }),
    {
      clock,
      log,
      access: tokenAccess(tokens),
      database: NO_DATABASE,
      lastWrites: createLastWrites(),
      headers: {},
      limit: limitOfInvalid(clock),
      addressOf: ({ socket }: IncomingMessage) => socket.remoteAddress ?? "",
      writeAccessLine: () => undefined,
      meter: () => NO_METER,
      stopping: stopping.signal,
    },
  );
  const { server, url, drain } = await openServer(listen);
  limitConnections(server, Math.floor(openFilesMax() * CONNECTIONS_SHARE));
  rejectMalformedRequests(server, { headers: {}, log });
  server.on("request", listener);
  return {
    address: url,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await drain();
      recent.close();
    },
  };
}

/** The rates of valid tokens are their own (`EventRates`), and those of signed messages that of their receiver. */
function limitOfInvalid(clock: Clock): RateLimit {
  const limit = createRateLimit(INVALID, clock);
  return {
    take: (key) => (/^(?:token|signed)/.test(key) ? undefined : limit.take(key)),
    reset: (key) => limit.reset(key),
  };
}

const NO_METER = { begin: () => undefined, end: () => undefined };

const noDatabase = (): never => {
  throw new AppError("unavailable", "Receivers have no database.");
};
/** The HTTP kit offers it to handlers; those of receivers do not use it. */
const NO_DATABASE: ServiceDatabase = {
  query: noDatabase,
  transaction: noDatabase,
  reader: noDatabase,
  lastWrite: noDatabase,
  close: async () => undefined,
};
