import { randomUUID } from "node:crypto";
import { join } from "node:path";

import { type Lease, tryLease } from "#platform/lease/lease.ts";

import { explained } from "./files.ts";

/** The folder of the leases of a store. */
export const leasesIn = (storeFolder: string): string => join(storeFolder, "leases");

/**
 * An open store that writes. Its files have its token in their names, so that others can find out whether an incomplete
 * file belongs to a living writer. A store that only reads has no token and writes nothing.
 */
export class StoreWriter implements AsyncDisposable {
  readonly #folder: string;
  #lease: Promise<Lease> | undefined;

  constructor(storeFolder: string) {
    this.#folder = storeFolder;
  }

  async token(): Promise<string> {
    let lease = await this.#lease?.catch(() => undefined);
    if (!lease || lease.lost.aborted) {
      this.#lease = this.#take();
      lease = await this.#lease;
    }
    return lease.token;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const lease = await this.#lease?.catch(() => undefined);
    await lease?.release();
  }

  async #take(): Promise<Lease> {
    try {
      const lease = await tryLease(leasesIn(this.#folder), `writer-${randomUUID()}`);
      if (lease) return lease;
    } catch (error) {
      throw explained(error, this.#folder);
    }
    throw new Error("the lease of a random name is free");
  }
}
