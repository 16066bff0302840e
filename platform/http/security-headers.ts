import { randomBytes } from "node:crypto";

export const createNonce = (): string => randomBytes(16).toString("base64");

const COMMON = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};

/**
 * Headers of a page: only scripts of this origin and inline scripts with the nonce of this response run; no frames.
 * Next.js reads the nonce from the request header `content-security-policy`, so it must be set there too.
 */
export function pageHeaders(nonce: string): Record<string, string> {
  const policy = [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}'`,
    // Charts are positioned by style attributes.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ];
  return { ...COMMON, "content-security-policy": policy.join("; ") };
}

/** Headers of data: if it is opened as a page, it can neither load nor run anything. */
export function dataHeaders(): Record<string, string> {
  return { ...COMMON, "content-security-policy": "default-src 'none'; frame-ancestors 'none'" };
}
