import type { Secret, SecretFinder } from "./find-secrets.ts";
import { replacementOf, type SecretKind } from "./kinds.ts";

/** The bytes [start, end) with replacements for their secrets; undefined if there are none. */
export function redacted(
  finder: SecretFinder,
  bytes: Uint8Array,
  start = 0,
  end = bytes.length,
): Buffer | undefined {
  const secrets = finder.all(bytes, start, end);
  return secrets && replaced(secrets, bytes, { start, end });
}

/** The same with the kind of each secret. */
export function redactedWithKinds(
  finder: SecretFinder,
  { bytes, start, end }: { bytes: Uint8Array; start: number; end: number },
): { line: Buffer; kinds: SecretKind[] } | undefined {
  const secrets = finder.all(bytes, start, end);
  if (!secrets) return undefined;
  return {
    line: replaced(secrets, bytes, { start, end }),
    kinds: secrets.map(({ kind }) => kind),
  };
}

function replaced(
  secrets: readonly Secret[],
  bytes: Uint8Array,
  { start, end }: { start: number; end: number },
): Buffer {
  const parts: Uint8Array[] = [];
  let from = start;
  for (const secret of secrets) {
    const { quote = "" } = secret;
    parts.push(bytes.subarray(from, secret.from));
    parts.push(Buffer.from(`${quote}${replacementOf(secret.kind)}${quote}`));
    from = secret.to;
  }
  parts.push(bytes.subarray(from, end));
  return Buffer.concat(parts);
}

/** The text with replacements for its secrets. */
export function redactedText(finder: SecretFinder, text: string): string {
  const bytes = Buffer.from(text);
  return redacted(finder, bytes)?.toString() ?? text;
}
