import { createHmac, timingSafeEqual } from "node:crypto";

const MAC_BYTES = 24;
const TOKEN_CHARS_MAX = 400;

/**
 * Tokens that carry an id and prove by a MAC that we gave them: the database holds neither token nor key, so whoever
 * reads it (or a backup, or a queued mail) can make none, and a job can make the token again when it sends it. What is
 * in it is not secret. `kind` keeps one kind of token from being taken for another.
 */
export type SealedTokens = {
  seal(kind: string, content: string): string;
  /** The content of a token of this kind; undefined when it is none of ours. */
  open(kind: string, token: string): string | undefined;
};

export function sealedTokens(key: Buffer): SealedTokens {
  const macOf = (kind: string, content: Buffer): Buffer =>
    createHmac("sha256", key).update(`${kind}\n`).update(content).digest().subarray(0, MAC_BYTES);
  return {
    seal(kind, content) {
      const bytes = Buffer.from(content);
      return `${kind}_${Buffer.concat([macOf(kind, bytes), bytes]).toString("base64url")}`;
    },
    open(kind, token) {
      if (!token.startsWith(`${kind}_`) || token.length > TOKEN_CHARS_MAX) return undefined;
      const bytes = Buffer.from(token.slice(kind.length + 1), "base64url");
      if (bytes.length <= MAC_BYTES) return undefined;
      const content = bytes.subarray(MAC_BYTES);
      const isOurs = timingSafeEqual(bytes.subarray(0, MAC_BYTES), macOf(kind, content));
      return isOurs ? content.toString() : undefined;
    },
  };
}
