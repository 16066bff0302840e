import { mkdirSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import path from "node:path";

import { z } from "zod";

import { COLOURS, type EdgeConfig } from "#deployer/drivers.ts";
import { readStateFile } from "#platform/state-file.ts";

const Slot = z.object({
  address: z
    .string()
    .regex(/^(?:[\w.-]+|\[[\da-f:]+\]):\d{1,5}$/i, { error: "give host:port" })
    .nullable(),
  state: z.enum(["maint", "drain", "ready"]),
});
const both = <T extends z.ZodType>(schema: T) => z.object({ blue: schema, green: schema });

export const EdgeConfigSchema = z.object({
  version: z.int().min(1),
  route: z.object({
    live: z.enum(COLOURS),
    next: z.enum(COLOURS),
    splitBp: z.int().min(0).max(10_000),
  }),
  releases: both(
    z
      .string()
      .regex(/^[\x21-\x7e]{1,128}$/)
      .nullable(),
  ),
  slots: both(z.array(Slot).max(1_000)),
}) satisfies z.ZodType<EdgeConfig>;

/** The last configuration of a workload, which a node that is started again reads. */
export class SavedConfig {
  readonly #file: string;

  constructor(dataFolder: string, node: string, workload: string) {
    const folder = path.join(dataFolder, "edge", node);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#file = path.join(folder, `${workload}.json`);
  }

  /** @throws Error with what to do if the file is damaged: its slots may have changed, so nothing is guessed */
  read(): EdgeConfig | undefined {
    const { value, damage } = readStateFile(this.#file, EdgeConfigSchema);
    if (damage !== undefined) {
      throw new Error(`${damage}: delete it, and the deployer sends the configuration again`);
    }
    return value;
  }

  /** Durable when it resolves. Requests go on meanwhile, which they would not with `writeStateFile`. */
  async write(config: EdgeConfig): Promise<void> {
    const draft = `${this.#file}.new`;
    const file = await open(draft, "w", 0o600);
    try {
      await file.writeFile(`${JSON.stringify(config)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, this.#file);
    const folder = await open(path.dirname(this.#file), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
