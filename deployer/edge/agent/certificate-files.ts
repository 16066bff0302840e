import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";

import { AppError, errorCode } from "#platform/errors.ts";

const LOOK_EVERY_MS = 1_000;
const DAY_MS = 24 * 3_600_000;
const WARN_DAYS = 30;

/** What one end of a connection has: its certificate, the private key of it, and the authority that both ends trust. PEM. */
export type Credentials = { authority: string; certificate: string; key: string };

export const authorityIn = (folder: string): string => path.join(folder, "ca.crt");
export const certificateIn = (folder: string, name: string): string =>
  path.join(folder, `${name}.crt`);
export const keyIn = (folder: string, name: string): string => path.join(folder, `${name}.key`);

type Notify = { onChange(credentials: Credentials): void; onError(error: AppError): void };

/** The credentials in a folder, which may be replaced at any time. */
export class CertificateFiles {
  readonly #folder: string;
  readonly #name: string;
  #current: Credentials;
  #timer: NodeJS.Timeout | undefined;

  /** @throws AppError bad_request that names the file and what to do */
  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
    this.#current = this.#read();
  }

  get current(): Credentials {
    return this.#current;
  }

  /** Looks at the files again and again, and goes on with what it had while they are wrong. */
  watch({ onChange, onError }: Notify): Disposable {
    let lastError = "";
    this.#timer = setInterval(() => {
      try {
        const read = this.#read();
        lastError = "";
        if (areSame(read, this.#current)) return;
        this.#current = read;
        onChange(read);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        if (error.message !== lastError) onError(error);
        lastError = error.message;
      }
    }, LOOK_EVERY_MS).unref();
    return { [Symbol.dispose]: () => clearInterval(this.#timer) };
  }

  #read(): Credentials {
    const credentials = {
      authority: readPem(authorityIn(this.#folder)),
      certificate: readPem(certificateIn(this.#folder, this.#name)),
      key: readPem(keyIn(this.#folder, this.#name)),
    };
    checkCredentials(credentials, this.#folder);
    return credentials;
  }
}

const areSame = (a: Credentials, b: Credentials): boolean =>
  a.authority === b.authority && a.certificate === b.certificate && a.key === b.key;

/** While files are being replaced one after the other, they do not belong together for a moment. */
function checkCredentials({ authority, certificate, key }: Credentials, folder: string): void {
  try {
    const own = new X509Certificate(certificate);
    if (!own.checkPrivateKey(createPrivateKey(key))) throw new Error("the key is another one's");
    if (!own.verify(new X509Certificate(authority).publicKey))
      throw new Error("ca.crt has not signed it");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `The certificate in ${folder} cannot be used (${why}): make it again with quarterdeck edge-agent certificates.`;
    throw new AppError("bad_request", message, { cause: error });
  }
}

function readPem(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const message = `${file} cannot be read (${errorCode(error) ?? String(error)}): make it with quarterdeck edge-agent certificates, and copy it there.`;
    throw new AppError("bad_request", message, { cause: error });
  }
}

/** Epoch ms. */
export const endOf = (certificate: X509Certificate): number => Date.parse(certificate.validTo);

/** What to do about a certificate that ends soon, or has ended; undefined for others. */
export function expiryWarning(certificate: X509Certificate, nowMs: number): string | undefined {
  const leftMs = endOf(certificate) - nowMs;
  if (leftMs > WARN_DAYS * DAY_MS) return undefined;
  const day = new Date(endOf(certificate)).toISOString().slice(0, 10);
  const ends = leftMs < 0 ? "has ended" : "ends";
  return `the certificate ${ends} on ${day}: renew it with quarterdeck edge-agent certificates`;
}
