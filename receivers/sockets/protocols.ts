import type { Listener } from "#collectors/sources/listeners/listener.ts";
import { zoneOf } from "#collectors/zone.ts";
import type { Clock } from "#platform/clock.ts";

import { gelfDatagrams, gelfStream } from "../gelf/gelf-decoders.ts";
import { journalStream } from "../journal/journal-decoder.ts";
import { syslogDatagrams, syslogRelp, syslogStream } from "../syslog/syslog-decoders.ts";
import { type ConnectionDecoder, ofDatagrams, ofStream } from "./connection-decoder.ts";
import type { Refuse, StreamDecoder } from "./decoder.ts";
import type { SocketSettings } from "./settings.ts";

/** The datasets of messages that are not log lines of another format. */
const SYSLOG = "system.syslog";
const GELF = "gelf";
const JOURNAL = "system.journal";

/** Anybody can fill a UDP port: the rest of the backlog is for others. */
const UDP_BACKLOG_SHARE = 0.5;

type From = { sender: string; state: string; refuse: Refuse };

export type Protocol = {
  unreadDataset: string;
  backlogShare: number;
  /** Continues where a decoder was that had this state. */
  newDecoder(from: From): ConnectionDecoder;
};

const stream = (unreadDataset: string, newDecoder: (from: From) => StreamDecoder): Protocol => ({
  unreadDataset,
  backlogShare: 1,
  newDecoder: (from) => ofStream(newDecoder(from), from.sender),
});

/** How what arrives by each protocol is read. */
export function protocolsOf(
  { timezone }: Pick<SocketSettings, "timezone">,
  clock: Clock,
): Readonly<Record<Listener["protocol"], Protocol>> {
  const times = { zone: zoneOf(timezone), clock };
  const nowMs = (): number => clock.nowMs();
  const syslog = stream(SYSLOG, ({ state }) => syslogStream(times, state));
  const relp = stream(SYSLOG, ({ state }) => syslogRelp(times, state));
  const journal = stream(JOURNAL, ({ refuse, sender, state }) =>
    journalStream(refuse, sender, state),
  );
  const unixDatagrams: Protocol = {
    unreadDataset: SYSLOG,
    backlogShare: 1,
    newDecoder: () => ofDatagrams(syslogDatagrams(times), nowMs),
  };
  return {
    "syslog+udp": { ...unixDatagrams, backlogShare: UDP_BACKLOG_SHARE },
    "syslog+tcp": syslog,
    "syslog+tls": syslog,
    "syslog+unix": syslog,
    "syslog+unixgram": unixDatagrams,
    "relp+tcp": relp,
    "relp+tls": relp,
    "gelf+udp": {
      unreadDataset: GELF,
      backlogShare: UDP_BACKLOG_SHARE,
      newDecoder: ({ refuse }) => ofDatagrams(gelfDatagrams(refuse), nowMs),
    },
    "gelf+tcp": stream(GELF, ({ state }) => gelfStream(state)),
    "journal+tcp": journal,
    "journal+http": journal,
  };
}
