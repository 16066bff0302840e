import path from "node:path";

import { z } from "zod";

import { derivationSettings } from "#collectors/settings.ts";
import type { SettingGroup, SettingsOf } from "#platform/settings/settings.ts";

const DEFAULT_HOST = "127.0.0.1";
const PORT_MAX = 65_535;
/** `5514`, `0.0.0.0:5514` or `[::]:5514`. */
const PORT = /^(?:(?:\[([\da-fA-F:.]+)\]|([\w.-]+)):)?(\d{1,5})$/;

const hostAndPort = z
  .string()
  .refine((text) => Number(PORT.exec(text)?.[3] ?? Number.NaN) <= PORT_MAX, {
    error: "give a port, or an address and a port, for example 5514, 0.0.0.0:5514 or [::]:5514",
  })
  .transform((text) => {
    const [, version6, name, port] = PORT.exec(text) ?? [];
    return { host: version6 ?? name ?? DEFAULT_HOST, port: Number(port) };
  });

const filePath = z
  .string()
  .min(1, { error: "give the path of a file" })
  .transform((file) => path.resolve(file));

const ON = "PORT or ADDRESS:PORT; without an address only this machine can send. Default: off.";

/** Where syslog, GELF and the journal are received. What is not set is off. */
export const socketSettings = {
  syslogUdp: {
    variable: "QUARTERDECK_SYSLOG_UDP",
    schema: hostAndPort,
    description: `Receives syslog over UDP (RFC 3164 and 5424): ${ON}`,
  },
  syslogTcp: {
    variable: "QUARTERDECK_SYSLOG_TCP",
    schema: hostAndPort,
    description: `Receives syslog over TCP, with octet counting or line ends: ${ON}`,
  },
  syslogTls: {
    variable: "QUARTERDECK_SYSLOG_TLS",
    schema: hostAndPort,
    description: `Receives syslog over TLS; requires QUARTERDECK_TLS_CERT and QUARTERDECK_TLS_KEY: ${ON}`,
  },
  relpTcp: {
    variable: "QUARTERDECK_RELP_TCP",
    schema: hostAndPort,
    description: `Receives syslog over RELP, whose sender (rsyslog with omrelp) keeps each message until it is stored: ${ON}`,
  },
  relpTls: {
    variable: "QUARTERDECK_RELP_TLS",
    schema: hostAndPort,
    description: `Receives syslog over RELP with TLS; requires QUARTERDECK_TLS_CERT and QUARTERDECK_TLS_KEY: ${ON}`,
  },
  tlsCert: {
    variable: "QUARTERDECK_TLS_CERT",
    schema: filePath,
    description: "Certificate chain of the TLS receivers (PEM file).",
  },
  tlsKey: {
    variable: "QUARTERDECK_TLS_KEY",
    schema: filePath,
    description: "Private key of that certificate (PEM file).",
  },
  tlsClientCa: {
    variable: "QUARTERDECK_TLS_CLIENT_CA",
    schema: filePath,
    description:
      "Certificate authorities (PEM file): senders over TLS then need a certificate of one of them. Default: none needed.",
  },
  syslogSocket: {
    variable: "QUARTERDECK_SYSLOG_SOCKET",
    schema: filePath,
    description: "Path of a Unix stream socket on which syslog is received. Default: off.",
  },
  syslogDatagramSocket: {
    variable: "QUARTERDECK_SYSLOG_DATAGRAM_SOCKET",
    schema: filePath,
    description:
      "Path of a Unix datagram socket on which syslog is received, as /dev/log; requires the program perl. Default: off.",
  },
  gelfUdp: {
    variable: "QUARTERDECK_GELF_UDP",
    schema: hostAndPort,
    description: `Receives GELF over UDP, also compressed and in chunks: ${ON}`,
  },
  gelfTcp: {
    variable: "QUARTERDECK_GELF_TCP",
    schema: hostAndPort,
    description: `Receives GELF over TCP, a zero byte after each message: ${ON}`,
  },
  journalTcp: {
    variable: "QUARTERDECK_JOURNAL_TCP",
    schema: hostAndPort,
    description: `Receives the systemd journal in its export format, as from: journalctl -o export -f | nc 127.0.0.1 19531. ${ON}`,
  },
  journalHttp: {
    variable: "QUARTERDECK_JOURNAL_HTTP",
    schema: hostAndPort,
    description: `Receives the systemd journal from systemd-journal-upload: ${ON}`,
  },
  timezone: derivationSettings.timezone,
} satisfies SettingGroup;

export type SocketSettings = SettingsOf<typeof socketSettings>;
