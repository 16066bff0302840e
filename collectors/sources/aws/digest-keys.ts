import type { DigestKeys } from "./check-digest.ts";
import { type CloudTrailApi, openCloudTrailApi } from "./cloudtrail-api.ts";

/** A key signs the digest files of a region for some months. */
const KEYS_MAX = 1_000;

/** The public keys of CloudTrail, each asked for once. */
export class CloudTrailKeys implements DigestKeys {
  readonly #open: (region: string) => Promise<CloudTrailApi>;
  readonly #keys = new Map<string, Uint8Array>();
  readonly #apis = new Map<string, Promise<CloudTrailApi>>();

  constructor(open = openCloudTrailApi) {
    this.#open = open;
  }

  async find(
    fingerprint: string,
    { region, startMs, endMs }: { region: string; startMs: number; endMs: number },
  ): Promise<Uint8Array | undefined> {
    const name = `${region} ${fingerprint}`;
    const known = this.#keys.get(name);
    if (known) return known;
    const api = this.#apis.get(region) ?? this.#open(region);
    this.#apis.set(region, api);
    const listed = await (await api).publicKeys({ startMs, endMs });
    for (const [found, key] of listed) this.#keys.set(`${region} ${found}`, key);
    while (this.#keys.size > KEYS_MAX) {
      const [oldest] = this.#keys.keys();
      if (oldest !== undefined) this.#keys.delete(oldest);
    }
    return listed.get(fingerprint);
  }

  async close(): Promise<void> {
    for (const api of this.#apis.values()) (await api).close();
  }
}
