import { isIP } from "node:net";
import { isAbsolute } from "node:path";

import { z } from "zod";

import { secretFile } from "../secret-file.ts";
import { secretVariable } from "../secret-variable.ts";
import type { TlsFiles } from "./listener.ts";

const PATH_CHARACTERS_MAX = 4_096;
/** Longer names of Unix sockets are cut by the kernel. */
const SOCKET_PATH_BYTES_MAX = 107;

/** The properties of a schema with `tlsFiles`. */
type GivenFiles = { [Name in keyof TlsFiles]?: string | undefined };

/** A field that a form shows only if another one has one of these values. */
type When = { when: { field: string; values: readonly string[] } };

/** The port of a listener. */
export const listenerPort = (port: number, when?: When) =>
  z
    .int({ error: "give a port number from 1 to 65535" })
    .min(1, { error: "give a port number from 1 to 65535" })
    .max(65_535, { error: "give a port number from 1 to 65535" })
    .default(port)
    .meta({
      title: "Port",
      description: "Ports below 1024 usually need the rights of root.",
      ...when,
    });

/** The address on which a listener accepts events. */
export const listenerAddress = (when?: When) =>
  z
    .string()
    .refine((text) => isIP(text) > 0, {
      error: "give an address of this machine: 127.0.0.1, 0.0.0.0, :: or another one",
    })
    .default("127.0.0.1")
    .meta({
      title: "Address",
      description:
        "127.0.0.1: only programs of this machine can send. 0.0.0.0: other machines can send too; let a firewall admit only yours.",
      ...when,
    });

/** The path of an optional file of a listener. */
const listenerFile = (about: { title: string; description: string } & When) =>
  z
    .string()
    .max(PATH_CHARACTERS_MAX)
    .refine((path) => isAbsolute(path), { error: "give an absolute path" })
    .optional()
    .meta(about);

/** The path of a Unix socket. */
export const socketPath = (about: { title: string; description: string } & When) =>
  z
    .string()
    .refine((path) => isAbsolute(path) && Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX, {
      error: `give an absolute path of at most ${SOCKET_PATH_BYTES_MAX} bytes, for example /run/quarterdeck/log`,
    })
    .optional()
    .meta({ ...about, examples: ["/run/quarterdeck/log"] });

/** The PEM files of a listener that may use TLS. */
export const tlsFiles = () => {
  const when = { field: "transport", values: ["tls"] };
  return {
    certificate: listenerFile({
      title: "File with the certificate",
      description: "The certificate chain in PEM format.",
      when,
    }),
    key: listenerFile({
      title: "File with its private key",
      description: "In PEM format. It stays in the file.",
      when,
    }),
    keyPassphraseFile: secretFile("Passphrase of the key", { when }),
    keyPassphrase: secretVariable("Passphrase of the key", "keyPassphraseFile", { when }),
    clientCa: listenerFile({
      title: "File with the authorities of senders",
      description: "If it is given, senders need a certificate of one of these authorities.",
      when,
    }),
  };
};

/** States the files that are missing, to the context of a schema. */
export function requireTlsFiles(
  { certificate, key, keyPassphraseFile, keyPassphrase }: GivenFiles,
  context: z.RefinementCtx,
): void {
  const require = (field: string, value: string | undefined, message: string): void => {
    if (value === undefined) context.addIssue({ code: "custom", path: [field], message });
  };
  require("certificate", certificate, "TLS needs a certificate: give the path of its file");
  require("key", key, "TLS needs the key of the certificate: give the path of its file");
  if (keyPassphraseFile !== undefined && keyPassphrase !== undefined) {
    const message = "give the passphrase once: in keyPassphraseFile or in keyPassphrase";
    context.addIssue({ code: "custom", path: ["keyPassphrase"], message });
  }
}

/** The files of a listener that uses TLS. */
export const tlsFilesIn = ({ certificate, key, ...others }: GivenFiles): TlsFiles => ({
  certificate: required(certificate),
  key: required(key),
  clientCa: others.clientCa,
  keyPassphraseFile: others.keyPassphraseFile,
  keyPassphrase: others.keyPassphrase,
});

/** What the schema of a kind requires. */
export function required(value: string | undefined): string {
  if (value === undefined) throw new Error("the schema requires it");
  return value;
}
