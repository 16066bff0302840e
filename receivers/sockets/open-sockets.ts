import { readFile } from "node:fs/promises";
import type { TlsOptions } from "node:tls";

import { zoneOf } from "#collectors/zone.ts";
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
import type { SocketSettings } from "./settings.ts";
import { openStreamReceiver } from "./stream-receiver.ts";
import { openUdpReceiver } from "./udp-receiver.ts";
import { openUnixDatagramReceiver } from "./unix-datagram-receiver.ts";

/** The datasets of messages that are not log lines of another format. */
const SYSLOG = "system.syslog";
const GELF = "gelf";
const JOURNAL = "system.journal";

const SOCKETS = [
  "syslogUdp",
  "syslogTcp",
  "syslogTls",
  "syslogSocket",
  "syslogDatagramSocket",
  "relpTcp",
  "relpTls",
  "gelfUdp",
  "gelfTcp",
  "journalTcp",
  "journalHttp",
] as const satisfies readonly (keyof SocketSettings)[];

/** Anybody can fill a UDP port: the rest of the backlog is for others. */
const UDP_BACKLOG_SHARE = 0.5;

type Opening = () => Promise<Receiver>;

/** The receivers that the settings turn on, to be opened. `signal` aborts before they are closed. */
export function socketReceivers(
  settings: SocketSettings,
  deps: ReceiverDeps,
  signal: AbortSignal,
): Opening[] {
  const outletOf = (protocol: string, unreadDataset: string): Outlet => ({
    protocol,
    clock: deps.clock,
    log: deps.log,
    keep: keepEvents(deps, { protocol, unreadDataset, backlogShare: shareOf(protocol) }, signal),
    refuse: (reason, stream) => deps.activity.refused({ protocol, stream }, 1, reason),
    onDropped: (events) => deps.activity.dropped({ protocol, stream: "" }, events),
  });
  return [
    ...syslogReceivers(settings, (protocol) => outletOf(protocol, SYSLOG)),
    ...relpReceivers(settings, (protocol) => outletOf(protocol, SYSLOG)),
    ...gelfReceivers(settings, (protocol) => outletOf(protocol, GELF)),
    ...journalReceivers(settings, (protocol) => outletOf(protocol, JOURNAL)),
  ];
}

const shareOf = (protocol: string): number => (protocol.endsWith("+udp") ? UDP_BACKLOG_SHARE : 1);

/** Where a receiver puts what it received. */
type Outlet = {
  protocol: string;
  clock: Clock;
  log: Log;
  keep: Keep;
  refuse: Refuse;
  onDropped(events: number): void;
};
type OutletOf = (protocol: string) => Outlet;

function syslogReceivers(settings: SocketSettings, outletOf: OutletOf): Opening[] {
  const { syslogUdp, syslogTcp, syslogTls, syslogSocket, syslogDatagramSocket } = settings;
  const zone = zoneOf(settings.timezone);
  const stream = (protocol: string) => {
    const outlet = outletOf(protocol);
    return { ...outlet, newDecoder: () => syslogStream({ ...outlet, zone }) };
  };
  const datagrams = (protocol: string) => {
    const outlet = outletOf(protocol);
    return { ...outlet, decoder: syslogDatagrams({ ...outlet, zone }) };
  };
  return [
    ...on(syslogUdp, (listenOn) => openUdpReceiver({ ...datagrams("syslog+udp"), listenOn })),
    ...on(syslogTcp, (listenOn) => openStreamReceiver({ ...stream("syslog+tcp"), listenOn })),
    ...on(syslogTls, async (listenOn) => {
      const tls = await readTls(settings);
      return openStreamReceiver({ ...stream("syslog+tls"), listenOn, tls });
    }),
    ...on(syslogSocket, (path) =>
      openStreamReceiver({ ...stream("syslog+unix"), listenOn: { path } }),
    ),
    ...on(syslogDatagramSocket, (path) =>
      openUnixDatagramReceiver({ ...datagrams("syslog+unixgram"), path }),
    ),
  ];
}

function relpReceivers(settings: SocketSettings, outletOf: OutletOf): Opening[] {
  const zone = zoneOf(settings.timezone);
  const stream = (protocol: string) => {
    const outlet = outletOf(protocol);
    return { ...outlet, newDecoder: () => syslogRelp({ ...outlet, zone }) };
  };
  return [
    ...on(settings.relpTcp, (listenOn) => openStreamReceiver({ ...stream("relp+tcp"), listenOn })),
    ...on(settings.relpTls, async (listenOn) => {
      const tls = await readTls(settings);
      return openStreamReceiver({ ...stream("relp+tls"), listenOn, tls });
    }),
  ];
}

function gelfReceivers({ gelfUdp, gelfTcp }: SocketSettings, outletOf: OutletOf): Opening[] {
  return [
    ...on(gelfUdp, (listenOn) => {
      const outlet = outletOf("gelf+udp");
      return openUdpReceiver({ ...outlet, listenOn, decoder: gelfDatagrams(outlet.refuse) });
    }),
    ...on(gelfTcp, (listenOn) =>
      openStreamReceiver({ ...outletOf("gelf+tcp"), listenOn, newDecoder: gelfStream }),
    ),
  ];
}

function journalReceivers(
  { journalTcp, journalHttp }: SocketSettings,
  outletOf: OutletOf,
): Opening[] {
  return [
    ...on(journalTcp, (listenOn) => {
      const outlet = outletOf("journal+tcp");
      const newDecoder = (sender: string): StreamDecoder => journalStream(outlet.refuse, sender);
      return openStreamReceiver({ ...outlet, listenOn, newDecoder });
    }),
    ...on(journalHttp, (listenOn) => openJournalHttp({ ...outletOf("journal+http"), listenOn })),
  ];
}

/** Whether the settings turn on any socket. */
export const hasSockets = (settings: SocketSettings): boolean =>
  SOCKETS.some((name) => settings[name] !== undefined);

function on<Value>(value: Value | undefined, open: (value: Value) => Promise<Receiver>): Opening[] {
  return value === undefined ? [] : [() => open(value)];
}

/** @throws AppError that names the setting and what to do */
async function readTls({ tlsCert, tlsKey, tlsClientCa }: SocketSettings): Promise<TlsOptions> {
  const tls = {
    cert: await readPem("QUARTERDECK_TLS_CERT", tlsCert),
    key: await readPem("QUARTERDECK_TLS_KEY", tlsKey),
  };
  if (tlsClientCa === undefined) return tls;
  const ca = await readPem("QUARTERDECK_TLS_CLIENT_CA", tlsClientCa);
  return { ...tls, ca, requestCert: true, rejectUnauthorized: true };
}

async function readPem(variable: string, file: string | undefined): Promise<Buffer> {
  if (file === undefined) {
    const missing = `TLS needs a certificate and its key: set ${variable}.`;
    throw new AppError("bad_request", missing);
  }
  return readFile(file).catch((error: unknown) => {
    const code = errorCode(error) ?? String(error);
    throw new AppError("bad_request", `${variable}: ${file} cannot be read (${code}).`);
  });
}
