import { readFile } from "node:fs/promises";
import { createSecureContext, type TlsOptions } from "node:tls";

import type { Listener, TlsFiles } from "#collectors/sources/listeners/listener.ts";
import { readSecret } from "#collectors/sources/secret-variable.ts";
import { AppError, errorCode } from "#platform/errors.ts";
import type { Log } from "#platform/log.ts";

import type { Receiver } from "../receiver.ts";
import { openJournalHttpListener } from "./journal-http-listener.ts";
import type { SocketHolder } from "./socket-holder.ts";
import { openStreamListener } from "./stream-listener.ts";
import { openUdpListener } from "./udp-listener.ts";
import { openUnixDatagramListener } from "./unix-datagram-listener.ts";

/** Opens a listener for the holder. @throws AppError that names the port, path or file, and what to do */
export async function openListener(
  listener: Listener,
  holder: SocketHolder,
  log: Log,
): Promise<Receiver> {
  const { protocol, source } = listener;
  switch (protocol) {
    case "syslog+udp":
    case "gelf+udp":
      return openUdpListener(holder, { protocol, source, listenOn: listener.listenOn });
    case "syslog+tls":
    case "relp+tls": {
      const tls = await readTls(listener.tls);
      return openStreamListener(holder, { ...listener, tls, log });
    }
    case "syslog+unixgram": {
      const { path } = listener.listenOn;
      return openUnixDatagramListener(holder, { protocol, source, path, log });
    }
    case "syslog+tcp":
    case "syslog+unix":
    case "relp+tcp":
    case "gelf+tcp":
    case "journal+tcp":
      return openStreamListener(holder, { protocol, source, listenOn: listener.listenOn, log });
    case "journal+http":
      return openJournalHttpListener(holder, { protocol, source, listenOn: listener.listenOn });
  }
}

/** @throws AppError that names the file and what to do */
async function readTls({
  certificate,
  key,
  clientCa,
  keyPassphraseFile: file,
  keyPassphrase: variable,
}: TlsFiles): Promise<TlsOptions> {
  const passphrase = await readSecret("keyPassphrase", { file, variable });
  const tls = {
    cert: await readPem("certificate", certificate),
    key: await readPem("private key", key),
    ...(passphrase !== undefined && { passphrase }),
  };
  try {
    createSecureContext(tls);
  } catch (error) {
    const message = `The private key in ${key} cannot be used (${errorCode(error) ?? String(error)}): check that it is that of the certificate, and its passphrase (keyPassphraseFile or keyPassphrase) if it is encrypted.`;
    throw new AppError("bad_request", message);
  }
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
