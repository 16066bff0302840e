import type { RowWriter } from "./text-line.ts";

/** `TLSv1.2`, `TLSV1.2`, `tlsv12`, `SSLv3`. */
const PROTOCOL = /^([A-Za-z]{3})v(\d)\.?(\d)?$/i;

/** Writes the protocol and its version, as in `TLSv1.2` or `tlsv12`. */
export function putTlsVersion(row: RowWriter, text: string | undefined): void {
  const [, name, major, minor] = PROTOCOL.exec(text ?? "") ?? [];
  if (name === undefined || major === undefined) return;
  row.text("tls.version", minor === undefined ? major : `${major}.${minor}`);
  row.text("tls.version_protocol", name.toLowerCase());
}
