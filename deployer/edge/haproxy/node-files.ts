import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";

import { z } from "zod";

import type { EdgeConfig } from "#deployer/drivers.ts";
import { Effect } from "#deployer/machine/effects.ts";
import { AppError, errorCode } from "#platform/errors.ts";
import { readStateFile, replaceFile, syncFolder } from "#platform/state-file.ts";

import { ROUTE_MAP, renderRoutes } from "./render-node.ts";

const CURRENT = "current";
const GENERATIONS = "generations";
const CONFIG = "haproxy.cfg";
const CONFIGS = "configs.json";

/** The kernel allows 107 bytes; HAProxy appends a pid and a suffix while it binds. */
const SOCKET_BYTES_MAX = 90;

const Configs = z.record(z.string(), Effect.options[0].shape.config);

export type NodeContent = { text: string; configs: ReadonlyMap<string, EdgeConfig> };

/**
 * The files that a start of a node reads: the configuration and its maps, and what they were rendered from. All are
 * replaced by one rename of a symbolic link, so a start at any moment reads files that belong together.
 */
export class NodeFiles {
  /** For `-f` of HAProxy. */
  readonly configFile: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.configFile = path.join(folder, CURRENT, CONFIG);
    mkdirSync(path.join(folder, GENERATIONS), { recursive: true, mode: 0o700 });
  }

  /** Undefined before the first one, or if the disk has damaged it. */
  read(): NodeContent | undefined {
    const { value } = readStateFile(path.join(this.#folder, CURRENT, CONFIGS), Configs);
    const text = readIfExists(this.configFile);
    if (value === undefined || text === undefined) return undefined;
    return { text, configs: new Map(Object.entries(value)) };
  }

  /**
   * Replaces the files, durably. `check` gets the path of the new configuration, and nothing is replaced if it rejects.
   */
  async write(content: NodeContent, check: (file: string) => Promise<void>): Promise<void> {
    const generations = path.join(this.#folder, GENERATIONS);
    const name = await this.#draft(content, check);
    syncFolder(generations);
    const draft = path.join(this.#folder, `${CURRENT}.${name}`);
    symlinkSync(path.join(GENERATIONS, name), draft);
    renameSync(draft, path.join(this.#folder, CURRENT));
    syncFolder(this.#folder);
    for (const other of readdirSync(generations)) {
      if (other !== name) rmSync(path.join(generations, other), { recursive: true, force: true });
    }
  }

  /** Lets `check` read files that nothing else gets. */
  async try(content: NodeContent, check: (file: string) => Promise<void>): Promise<void> {
    const name = await this.#draft(content, check);
    rmSync(path.join(this.#folder, GENERATIONS, name), { recursive: true, force: true });
  }

  /** @returns the name of a generation that was checked */
  async #draft(
    { text, configs }: NodeContent,
    check: (file: string) => Promise<void>,
  ): Promise<string> {
    const name = randomUUID();
    const folder = path.join(this.#folder, GENERATIONS, name);
    mkdirSync(path.join(folder, path.dirname(ROUTE_MAP)), { recursive: true, mode: 0o700 });
    try {
      replaceFile(path.join(folder, CONFIG), text);
      replaceFile(path.join(folder, ROUTE_MAP), renderRoutes(configs));
      replaceFile(path.join(folder, CONFIGS), JSON.stringify(Object.fromEntries(configs)));
      await check(path.join(folder, CONFIG));
      return name;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }
}

function readIfExists(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** The path of a socket in the folder. @throws AppError unprocessable if it is too long */
export function socketIn(folder: string, name: string): string {
  const file = path.join(folder, name);
  if (Buffer.byteLength(file) <= SOCKET_BYTES_MAX) return file;
  const message = `${file} is too long for a socket: choose a data folder with a shorter path.`;
  throw new AppError("unprocessable", message);
}
