import { readFile } from "node:fs/promises";
import type { TlsOptions } from "node:tls";

import type {
  Listener,
  ListenerProtocol,
  TlsFiles,
} from "#collectors/sources/listeners/listener.ts";
import type { Zone } from "#collectors/zone.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError, errorCode } from "#platform/errors.ts";
import type { Log } from "#platform/log.ts";

import { gelfDatagrams, gelfStream } from "../gelf/gelf-decoders.ts";
import { journalStream } from "../journal/journal-decoder.ts";
import { openJournalHttp } from "../journal/journal-http.ts";
import type { Receiver, ReceiverDeps } from "../receiver.ts";
import { syslogDatagrams, syslogRelp, syslogStream } from "../syslog/syslog-decoders.ts";
import type { Keep, Refuse, StreamDecoder } from "./decoder.ts";
import { keepEvents } from "./keep-events.ts";
import { openStreamReceiver } from "./stream-receiver.ts";
import { openUdpReceiver } from "./udp-receiver.ts";
import { openUnixDatagramReceiver } from "./unix-datagram-receiver.ts";

/** The datasets of messages that are not log lines of another format. */
const UNREAD_DATASETS = {
  "syslog+udp": "system.syslog",
  "syslog+tcp": "system.syslog",
  "syslog+tls": "system.syslog",
  "syslog+unix": "system.syslog",
  "syslog+unixgram": "system.syslog",
  "relp+tcp": "system.syslog",
  "relp+tls": "system.syslog",
  "gelf+udp": "gelf",
  "gelf+tcp": "gelf",
  "journal+tcp": "system.journal",
  "journal+http": "system.journal",
} as const satisfies Record<ListenerProtocol, string>;

/** Anybody can fill a UDP port: the rest of the backlog is for others. */
const UDP_BACKLOG_SHARE = 0.5;

/** `zone`: of times without one. */
export type ListenerDeps = ReceiverDeps & { zone: Zone };

/**
 * Opens a listener. `signal` aborts before it is closed.
 * @throws AppError that names the port, path or file, and what to do
 */
export function openListener(
  listener: Listener,
  deps: ListenerDeps,
  signal: AbortSignal,
): Promise<Receiver> {
  switch (listener.protocol) {
    case "syslog+udp":
    case "syslog+tcp":
    case "syslog+tls":
    case "syslog+unix":
    case "syslog+unixgram":
    case "relp+tcp":
    case "relp+tls":
      return openSyslog(listener, outletOf(listener, deps, signal));
    case "gelf+udp": {
      const outlet = outletOf(listener, deps, signal);
      const { listenOn } = listener;
      return openUdpReceiver({ ...outlet, listenOn, decoder: gelfDatagrams(outlet.refuse) });
    }
    case "gelf+tcp": {
      const outlet = outletOf(listener, deps, signal);
      const { listenOn } = listener;
      return openStreamReceiver({ ...outlet, listenOn, newDecoder: gelfStream });
    }
    case "journal+tcp": {
      const outlet = outletOf(listener, deps, signal);
      const { listenOn } = listener;
      const newDecoder = (sender: string): StreamDecoder => journalStream(outlet.refuse, sender);
      return openStreamReceiver({ ...outlet, listenOn, newDecoder });
    }
    case "journal+http": {
      const { listenOn } = listener;
      return openJournalHttp({ ...outletOf(listener, deps, signal), listenOn });
    }
  }
}

type SyslogListener = Extract<Listener, { protocol: `${"syslog" | "relp"}+${string}` }>;

async function openSyslog(listener: SyslogListener, outlet: Outlet): Promise<Receiver> {
  const newDecoder = (): StreamDecoder => syslogStream(outlet);
  switch (listener.protocol) {
    case "syslog+udp": {
      const { listenOn } = listener;
      return openUdpReceiver({ ...outlet, listenOn, decoder: syslogDatagrams(outlet) });
    }
    case "syslog+tls": {
      const { listenOn } = listener;
      const tls = await readTls(listener.tls);
      return openStreamReceiver({ ...outlet, listenOn, tls, newDecoder });
    }
    case "syslog+tcp":
    case "syslog+unix": {
      const { listenOn } = listener;
      return openStreamReceiver({ ...outlet, listenOn, newDecoder });
    }
    case "relp+tcp":
    case "relp+tls": {
      const { listenOn } = listener;
      const tls = listener.protocol === "relp+tls" ? await readTls(listener.tls) : undefined;
      const newRelp = (): StreamDecoder => syslogRelp(outlet);
      return openStreamReceiver({ ...outlet, listenOn, newDecoder: newRelp, ...(tls && { tls }) });
    }
    case "syslog+unixgram": {
      const { path } = listener.listenOn;
      return openUnixDatagramReceiver({ ...outlet, path, decoder: syslogDatagrams(outlet) });
    }
  }
}

/** Where a receiver puts what it received. */
type Outlet = {
  protocol: string;
  zone: Zone;
  clock: Clock;
  log: Log;
  keep: Keep;
  refuse: Refuse;
  onDropped(events: number): void;
};

function outletOf(
  { source, protocol }: Listener,
  { zone, ...deps }: ListenerDeps,
  signal: AbortSignal,
): Outlet {
  const unreadDataset = UNREAD_DATASETS[protocol];
  const backlogShare = protocol.endsWith("+udp") ? UDP_BACKLOG_SHARE : 1;
  return {
    protocol,
    zone,
    clock: deps.clock,
    log: deps.log,
    keep: keepEvents(deps, { source, protocol, unreadDataset, backlogShare }, signal),
    refuse: (reason, stream) => deps.activity.refused({ protocol, source, stream }, 1, reason),
    onDropped: (events) => deps.activity.dropped({ protocol, source, stream: "" }, events),
  };
}

/** @throws AppError that names the file and what to do */
async function readTls({ certificate, key, clientCa }: TlsFiles): Promise<TlsOptions> {
  const tls = {
    cert: await readPem("certificate", certificate),
    key: await readPem("private key", key),
  };
  if (clientCa === undefined) return tls;
  const ca = await readPem("authorities of senders", clientCa);
  return { ...tls, ca, requestCert: true, rejectUnauthorized: true };
}

async function readPem(what: string, file: string): Promise<Buffer> {
  return readFile(file).catch((error: unknown) => {
    const code = errorCode(error) ?? String(error);
    const message = `The file with the ${what}, ${file}, cannot be read (${code}): check its path, and that the user of Quarterdeck may read it.`;
    throw new AppError("bad_request", message);
  });
}
