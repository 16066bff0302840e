import type { Listener } from "#collectors/sources/listeners/listener.ts";
import { AppError } from "#platform/errors.ts";

import type { SocketSettings } from "./settings.ts";

/** The listeners that the settings turn on. @throws AppError that names a setting that is missing */
export function socketListeners(settings: SocketSettings): Listener[] {
  const { syslogUdp, syslogTcp, syslogTls, syslogSocket, syslogDatagramSocket } = settings;
  const { relpTcp, relpTls, gelfUdp, gelfTcp, journalTcp, journalHttp } = settings;
  return [
    ...on("syslog+udp", syslogUdp),
    ...on("syslog+tcp", syslogTcp),
    ...(syslogTls ? [tlsListener("syslog+tls", syslogTls, settings)] : []),
    ...onPath("syslog+unix", syslogSocket),
    ...onPath("syslog+unixgram", syslogDatagramSocket),
    ...on("relp+tcp", relpTcp),
    ...(relpTls ? [tlsListener("relp+tls", relpTls, settings)] : []),
    ...on("gelf+udp", gelfUdp),
    ...on("gelf+tcp", gelfTcp),
    ...on("journal+tcp", journalTcp),
    ...on("journal+http", journalHttp),
  ];
}

/** Whether the settings turn on any socket. */
export const hasSockets = (settings: SocketSettings): boolean =>
  socketListeners(settings).length > 0;

type PathProtocol = "syslog+unix" | "syslog+unixgram";
type TlsProtocol = "syslog+tls" | "relp+tls";
type PortProtocol = Exclude<Listener["protocol"], PathProtocol | TlsProtocol>;
type ListenOn = { host: string; port: number };

const on = (protocol: PortProtocol, listenOn: ListenOn | undefined): Listener[] =>
  listenOn ? [{ source: protocol, protocol, listenOn }] : [];

const onPath = (protocol: PathProtocol, path: string | undefined): Listener[] =>
  path === undefined ? [] : [{ source: protocol, protocol, listenOn: { path } }];

function tlsListener(
  protocol: TlsProtocol,
  listenOn: ListenOn,
  { tlsCert, tlsKey, tlsClientCa }: SocketSettings,
): Listener {
  const certificate = required("QUARTERDECK_TLS_CERT", tlsCert);
  const key = required("QUARTERDECK_TLS_KEY", tlsKey);
  const tls = { certificate, key, clientCa: tlsClientCa };
  return { source: protocol, protocol, listenOn, tls };
}

function required(variable: string, value: string | undefined): string {
  if (value !== undefined) return value;
  const missing = `TLS needs a certificate and its key: set ${variable}.`;
  throw new AppError("bad_request", missing);
}
