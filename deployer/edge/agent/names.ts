import { X509Certificate } from "node:crypto";

/**
 * Certificates name who has them by a DNS name that is never resolved. `.internal` is reserved for private use.
 * An edge node is addressed by the name of its certificate, so no other node can answer in its place.
 */
const DOMAIN = "quarterdeck.internal";

export const CONTROL_PLANE = `control-plane.${DOMAIN}`;

/** Also a part of names of files. */
export const NODE_NAME = /^[a-z\d](?:[a-z\d-]{0,30}[a-z\d])?$/;

export const certificateNameOf = (node: string): string => `${node}.edge.${DOMAIN}`;

/** The edge node that a certificate (PEM or DER) is for; undefined if it is for none. */
export function nodeIn(certificate: string | Buffer): string | undefined {
  const { subjectAltName = "" } = new X509Certificate(certificate);
  const [, name] = /^DNS:([^,]+)\.edge\.quarterdeck\.internal$/.exec(subjectAltName) ?? [];
  return name !== undefined && NODE_NAME.test(name) ? name : undefined;
}

/** Whether a certificate is that of the control plane, and of nothing else. */
export const isControlPlane = (certificate: X509Certificate): boolean =>
  certificate.subjectAltName === `DNS:${CONTROL_PLANE}`;
