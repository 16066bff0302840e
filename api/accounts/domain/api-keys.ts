/** `qdk_ID_SECRET` */
const API_KEY = /^qdk_([0-9a-f]{24})_([\w-]{43})$/;

export const API_KEY_MS_MAX = 366 * 86_400_000;
/** Minimum interval between updates of `lastUsedAtMs`. */
export const LAST_USED_STEP_MS = 60_000;

export const apiKeyText = (id: string, secret: string): string =>
  `qdk_${id.slice("key_".length)}_${secret}`;

export function parseApiKey(text: string): { id: string; secret: string } | undefined {
  const [, id, secret] = API_KEY.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id: `key_${id}`, secret };
}

export const isUsable = (
  key: { expiresAtMs: number; revokedAtMs: number | null },
  nowMs: number,
): boolean => key.revokedAtMs === null && key.expiresAtMs > nowMs;
