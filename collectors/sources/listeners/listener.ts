type OnPort = { listenOn: { host: string; port: number } };
type OnPath = { listenOn: { path: string } };

/**
 * PEM files: with `clientCa` senders need a certificate of one of these authorities. Of an encrypted key, where its passphrase
 * is: in a file, or in the environment variable that `keyPassphrase` refers to.
 */
export type TlsFiles = {
  certificate: string;
  key: string;
  clientCa: string | undefined;
  keyPassphraseFile?: string | undefined;
  keyPassphrase?: string | undefined;
};

/** How senders reach a socket, and where it is. */
export type ListenerSocket =
  | ({ protocol: "syslog+udp" | "syslog+tcp" | "relp+tcp" } & OnPort)
  | ({ protocol: "syslog+tls" | "relp+tls"; tls: TlsFiles } & OnPort)
  | ({ protocol: "syslog+unix" | "syslog+unixgram" } & OnPath)
  | ({ protocol: "gelf+udp" | "gelf+tcp" | "journal+tcp" } & OnPort)
  | ({ protocol: "journal+http" } & OnPort);

/** A socket on which events are received without tokens. */
export type Listener = ListenerSocket & {
  /** What its events name as their source: the id of an entry, or the protocol if a setting turns it on. */
  source: string;
};
