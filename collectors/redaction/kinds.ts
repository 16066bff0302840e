/**
 * What can be redacted. `key`: private keys, and keys of clouds and APIs. `token`: bearer tokens, and those with the prefix of
 * their issuer. `password`, and also keys and tokens: values with such a name, as in `password=…`.
 */
export const SECRET_KINDS = ["card", "email", "jwt", "key", "password", "token"] as const;
export type SecretKind = (typeof SECRET_KINDS)[number];

/** What a secret is replaced by. It is not a secret itself, so redacting twice changes nothing. */
export const replacementOf = (kind: SecretKind): string => `[redacted:${kind}]`;
