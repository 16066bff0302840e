import type { SocketSetting } from "./hostile-receiver.ts";

/** A way in over a socket. */
export type SocketDoor = {
  setting: SocketSetting;
  transport: "tcp" | "tls" | "udp" | "http" | "unixgram";
  /** An event with this text. `number`: the events of a connection are numbered from 1. */
  frame(text: string, number: number): Buffer;
};

const HEADER = "<14>1 2026-03-14T00:00:00Z host hostile - - - ";

const counted = (text: string): Buffer => {
  const message = Buffer.from(HEADER + text);
  return Buffer.concat([Buffer.from(`${message.length} `), message]);
};
const datagram = (text: string): Buffer => Buffer.from(HEADER + text);
const gelf = (text: string): Buffer =>
  Buffer.from(JSON.stringify({ version: "1.1", host: "host", short_message: text }));
const relp = (text: string, number: number): Buffer => {
  const message = datagram(text);
  return Buffer.concat([
    Buffer.from(`${number} syslog ${message.length} `),
    message,
    Buffer.from("\n"),
  ]);
};
/** Binary fields have their length, so any text is allowed. */
const journal = (text: string): Buffer => {
  const message = Buffer.from(text);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(message.length));
  const head = Buffer.from("__REALTIME_TIMESTAMP=1773446400000000\nMESSAGE\n");
  return Buffer.concat([head, length, message, Buffer.from("\n\n")]);
};

/** Every socket that takes events. */
export const SOCKET_DOORS: readonly SocketDoor[] = [
  { setting: "QUARTERDECK_SYSLOG_TCP", transport: "tcp", frame: counted },
  { setting: "QUARTERDECK_SYSLOG_TLS", transport: "tls", frame: counted },
  { setting: "QUARTERDECK_SYSLOG_UDP", transport: "udp", frame: datagram },
  { setting: "QUARTERDECK_SYSLOG_SOCKET", transport: "tcp", frame: counted },
  { setting: "QUARTERDECK_SYSLOG_DATAGRAM_SOCKET", transport: "unixgram", frame: datagram },
  { setting: "QUARTERDECK_RELP_TCP", transport: "tcp", frame: relp },
  { setting: "QUARTERDECK_RELP_TLS", transport: "tls", frame: relp },
  {
    setting: "QUARTERDECK_GELF_TCP",
    transport: "tcp",
    frame: (text) => Buffer.concat([gelf(text), Buffer.from([0])]),
  },
  { setting: "QUARTERDECK_GELF_UDP", transport: "udp", frame: gelf },
  { setting: "QUARTERDECK_JOURNAL_TCP", transport: "tcp", frame: journal },
  { setting: "QUARTERDECK_JOURNAL_HTTP", transport: "http", frame: journal },
];
