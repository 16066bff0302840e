/** `qdk_`, the id of the key, and its secret. */
const API_KEY = /^qdk_([0-9a-f]{24})_([\w-]{43})$/;

/** A key lives at most so long. */
export const API_KEY_MS_MAX = 366 * 86_400_000;
/** When it was used last is written down at most so often. */
export const LAST_USED_STEP_MS = 60_000;

export type ServiceAccount = {
  /** `svc_…` */
  id: string;
  name: string;
  description: string;
  /** Its keys and tokens are refused. */
  disabled: boolean;
  version: number;
  createdBy: string;
  createdAtMs: number;
  updatedAtMs: number;
};

export type ApiKey = {
  /** `key_…` */
  id: string;
  serviceAccountId: string;
  name: string;
  scopes: readonly string[];
  expiresAtMs: number;
  lastUsedAtMs: number | null;
  revokedAtMs: number | null;
  createdBy: string;
  createdAtMs: number;
};

export const apiKeyText = (id: string, secret: string): string =>
  `qdk_${id.slice("key_".length)}_${secret}`;

/** The parts of what looks like a key. */
export function parseApiKey(text: string): { id: string; secret: string } | undefined {
  const [, id, secret] = API_KEY.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id: `key_${id}`, secret };
}

export const isUsable = (
  key: Pick<ApiKey, "expiresAtMs" | "revokedAtMs">,
  nowMs: number,
): boolean => key.revokedAtMs === null && key.expiresAtMs > nowMs;
