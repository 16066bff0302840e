import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";

import { AppError, errorCode } from "#platform/errors.ts";
import { readStateFile, replaceFile, writeStateFile } from "#platform/state-file.ts";

import { hashOf } from "../template.ts";
import { begun, ended, NO_VERSIONS, SHIPPED, type Version, Versions } from "./versions.ts";

const LIST = "versions.json";

/**
 * The versions of a template in a folder, durably: a list, and a file with the text of each. Only the role that has the journal
 * writes them.
 */
export class VersionFiles {
  readonly #folder: string;
  readonly #shipped: string;
  #all: Versions;

  /** @throws AppError unavailable if the disk has damaged the list */
  constructor(folder: string, shipped: string) {
    this.#folder = folder;
    this.#shipped = shipped;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { value, damage } = readStateFile(path.join(folder, LIST), Versions);
    if (damage !== undefined) {
      const advice = `Restore it, or remove the folder ${folder} to continue with the template of Quarterdeck.`;
      throw new AppError("unavailable", `${damage}. ${advice}`);
    }
    this.#all = value ?? NO_VERSIONS;
  }

  get all(): Versions {
    return this.#all;
  }

  /** The version that is being applied, also by a process before this one. */
  get underWay(): Version | undefined {
    const last = this.#all.versions.at(-1);
    return last?.state === "applying" ? last : undefined;
  }

  /** @throws AppError not_found */
  text(number: number): string {
    if (number === SHIPPED) return this.#shipped;
    try {
      return readFileSync(this.#fileOf(number), "utf8");
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
      const known = this.#all.versions.map((it) => it.number);
      const message = `There is no version ${number} of the template; there are ${[SHIPPED, ...known].join(", ")}.`;
      throw new AppError("not_found", message);
    }
  }

  /** @throws AppError conflict while another version is on its way */
  begin(text: string, by: Pick<Version, "author" | "reason" | "atMs" | "repeats">): Version {
    const next = begun(this.#all, { ...by, hash: hashOf(text) });
    const version = next.versions.at(-1);
    if (version === undefined) throw new Error("no version was begun");
    replaceFile(this.#fileOf(version.number), text);
    this.#save(next);
    this.#removeOld();
    return version;
  }

  /** Without a failure all nodes have the version now. */
  end(atMs: number, failure: string | null): void {
    this.#save(ended(this.#all, atMs, failure));
  }

  #save(all: Versions): void {
    writeStateFile(path.join(this.#folder, LIST), all);
    this.#all = all;
  }

  #removeOld(): void {
    const kept = new Set([
      LIST,
      ...this.#keptNumbers().map((it) => path.basename(this.#fileOf(it))),
    ]);
    for (const name of readdirSync(this.#folder)) {
      if (!kept.has(name)) rmSync(path.join(this.#folder, name), { force: true });
    }
  }

  /** The one that runs may be older than all in the list, if many have failed since. */
  #keptNumbers(): number[] {
    return [this.#all.current, ...this.#all.versions.map((it) => it.number)];
  }

  #fileOf(number: number): string {
    return path.join(this.#folder, `${number}.cfg`);
  }
}
