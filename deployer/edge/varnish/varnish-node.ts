import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

import { AppError } from "#platform/errors.ts";
import { replaceFile } from "#platform/state-file.ts";

import { checkInside } from "../closed-port.ts";
import { LocalProcess } from "../processes/local-process.ts";
import { parseTemplate } from "../template.ts";
import { type Ban, banCommand } from "./ban.ts";
import { type HaproxyBackend, renderVcl, VCL_PLACEHOLDERS } from "./render-vcl.ts";

const run = promisify(execFile);
const CHECK_MS_MAX = 60_000;
const COMMAND_MS_MAX = 5_000;
const START_MS_MAX = 60_000;
const POLL_MS = 50;
const VCL = "cache.vcl";
const SHOWN_LINES = 6;
const SIZE_MS = 5_000;

export type CacheSize = { objects: number | null; bytes: number | null };

export type VarnishNodeOptions = {
  id: string;
  /** `host:port` on which HAProxy reaches it. */
  listen: string;
  /** The paths of varnishd and varnishadm. */
  programs: { varnishd: string; varnishadm: string };
  folder: string;
  template: string;
  haproxy: readonly HaproxyBackend[];
  memoryMb: number;
  /** How long HAProxy may take until it answers, with all its attempts. */
  allAttemptsMs: number;
};

/** One Varnish of this machine. Its backends never change, so a deploy does not touch it. */
export class VarnishNode {
  readonly id: string;
  readonly process: LocalProcess;
  readonly #options: VarnishNodeOptions;
  readonly #workFolder: string;
  #size: { atMs: number; value: Promise<CacheSize> } | undefined;

  constructor(options: VarnishNodeOptions) {
    const { folder, programs, listen, memoryMb } = options;
    this.id = options.id;
    this.#options = options;
    this.#workFolder = path.join(folder, "work");
    mkdirSync(this.#workFolder, { recursive: true, mode: 0o700 });
    this.process = new LocalProcess({
      folder,
      name: "varnishd",
      command: [
        programs.varnishd,
        // As the user of this program: another one could not read the folder.
        ...words("-j none -F -n"),
        this.#workFolder,
        "-f",
        path.join(folder, VCL),
        ...words(`-a ${listen} -T 127.0.0.1:0 -s malloc,${memoryMb}m`),
        // Only what says for how long is stored.
        ...words("-p default_ttl=0"),
        // As much as HAProxy accepts.
        ...words("-p http_max_hdr=128 -p http_req_hdr_len=16k -p http_resp_hdr_len=16k"),
        // Who sends requests closes idle connections first: here before HAProxy's 75 s, and HAProxy's 5 s before this.
        ...words("-p backend_idle_timeout=30 -p timeout_idle=60"),
      ],
    });
  }

  get listen(): string {
    return this.#options.listen;
  }

  get programs(): VarnishNodeOptions["programs"] {
    return this.#options.programs;
  }

  /** Starts it, or continues with the process that runs. Resolves when it serves. @throws AppError */
  async start(): Promise<void> {
    if (this.process.pid === undefined) {
      const { template, haproxy, allAttemptsMs, programs, folder } = this.#options;
      const parsed = parseTemplate(template, VCL_PLACEHOLDERS);
      const { text, origins } = renderVcl(parsed, haproxy, allAttemptsMs);
      await checkVcl(programs.varnishd, { text, origins, folder });
      replaceFile(path.join(folder, VCL), text);
      await checkInside(this.listen, this.id);
      await this.process.start();
    }
    const endMs = performance.now() + START_MS_MAX;
    while (!(await this.#isServing())) {
      const isOver = performance.now() > endMs || this.process.pid === undefined;
      if (isOver) throw this.process.failed("it does not answer");
      await delay(POLL_MS);
    }
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }

  /** @throws AppError unprocessable for a ban that cannot be, or unavailable */
  async ban(ban: Ban): Promise<void> {
    await this.#command(banCommand(ban));
  }

  /** What it has stored; read again after some seconds. Null where that cannot be read. */
  size(): Promise<CacheSize> {
    const nowMs = performance.now();
    if (this.#size === undefined || nowMs - this.#size.atMs > SIZE_MS) {
      this.#size = { atMs: nowMs, value: this.#readSize() };
    }
    return this.#size.value;
  }

  async #readSize(): Promise<CacheSize> {
    const program = path.join(path.dirname(this.#options.programs.varnishadm), "varnishstat");
    try {
      const args = ["-n", this.#workFolder, "-1", "-f", "MAIN.n_object", "-f", "SMA.s0.g_bytes"];
      const { stdout } = await run(program, args, { timeout: COMMAND_MS_MAX });
      const number = (name: string): number | null => {
        const found = new RegExp(`^${name}\\s+(\\d+)`, "m").exec(stdout)?.[1];
        return found === undefined ? null : Number(found);
      };
      return { objects: number("MAIN[.]n_object"), bytes: number("SMA[.]s0[.]g_bytes") };
    } catch {
      return { objects: null, bytes: null };
    }
  }

  async #isServing(): Promise<boolean> {
    const response = await fetch(`http://${this.#options.listen}/varnish-alive`, {
      signal: AbortSignal.timeout(COMMAND_MS_MAX),
    }).catch(() => undefined);
    return response?.status === 200;
  }

  async #command(command: string): Promise<string> {
    try {
      const args = ["-n", this.#workFolder, "-t", String(COMMAND_MS_MAX / 1_000), command];
      const { stdout } = await run(this.#options.programs.varnishadm, args, {
        timeout: COMMAND_MS_MAX,
      });
      return stdout;
    } catch (cause) {
      const why = stderrOf(cause).split("\n").slice(0, 3).join(" ");
      throw new AppError("unavailable", `${this.id} refused "${command}": ${why}`, { cause });
    }
  }
}

const words = (text: string): string[] => text.split(" ");

type Vcl = { text: string; origins: readonly number[]; folder: string };

/** Lets varnishd compile it. @throws AppError unprocessable with the line and what is wrong with it */
export async function checkVcl(varnishd: string, { text, origins, folder }: Vcl): Promise<void> {
  const file = path.join(folder, `draft-${VCL}`);
  writeFileSync(file, text, { mode: 0o600 });
  try {
    await run(varnishd, ["-j", "none", "-C", "-f", file, "-n", path.join(folder, "check")], {
      timeout: CHECK_MS_MAX,
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (cause) {
    const output = stderrOf(cause);
    const [, number] = /\('[^']*' Line (\d+) Pos \d+\)/.exec(output) ?? [];
    const line = number === undefined ? undefined : (origins[Number(number) - 1] ?? Number(number));
    const what = output
      .split("\n")
      .filter((it) => !/^(?:Could not delete|Message from|Running VCC|VCL compilation)/.test(it))
      .slice(0, SHOWN_LINES);
    const message = `Varnish does not accept the VCL.\n${line === undefined ? "" : `Line ${line}: `}${what.join("\n")}`;
    const fields = [{ path: `line ${line ?? 0}`, code: "refused", message: what.join("\n") }];
    throw new AppError("unprocessable", message, { cause, fields });
  }
}

function stderrOf(error: unknown): string {
  if (error instanceof Error && "stderr" in error && typeof error.stderr === "string") {
    return error.stderr.trim() === "" ? error.message : error.stderr.trim();
  }
  return String(error);
}
