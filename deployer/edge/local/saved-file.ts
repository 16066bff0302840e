import { mkdirSync, rmSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import path from "node:path";

import type { z } from "zod";

import { readStateFile } from "#platform/state-file.ts";

/** A value that a node reads when it is started again. */
export class SavedFile<Value> {
  readonly #file: string;
  readonly #schema: z.ZodType<Value>;

  constructor(file: string, schema: z.ZodType<Value>) {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    this.#file = file;
    this.#schema = schema;
  }

  /** @throws Error with what to do if the file is damaged: nothing is guessed */
  read(): Value | undefined {
    const { value, damage } = readStateFile(this.#file, this.#schema);
    if (damage !== undefined) {
      throw new Error(`${damage}: delete it, and the deployer sends the configuration again`);
    }
    return value;
  }

  /** Durable when it resolves. Requests go on meanwhile, which they would not with `writeStateFile`. */
  async write(value: Value): Promise<void> {
    const draft = `${this.#file}.new`;
    const file = await open(draft, "w", 0o600);
    try {
      await file.writeFile(`${JSON.stringify(value)}\n`);
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

  forget(): void {
    rmSync(this.#file, { force: true });
  }
}
