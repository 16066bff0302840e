import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

import { numberedLine } from "../harness/access-log.ts";
import type { Running, Sender, Sending } from "./sending.ts";

const run = promisify(execFile);
/** Where the package is installed, or was unpacked beside others. */
const ROOT = ["", "/opt/rsys/root"].find((root) =>
  existsSync(`${root}/lib/systemd/systemd-journal-upload`),
);
const LIBRARIES = `${ROOT}/usr/lib/x86_64-linux-gnu`;
const env = {
  ...process.env,
  ...(ROOT !== "" && { LD_LIBRARY_PATH: `${LIBRARIES}:${LIBRARIES}/systemd` }),
};
const program = (name: string): string => `${ROOT}/lib/systemd/${name}`;
/** As its service does after a failure. */
const RESTART_MS = 500;

/** A journal with the lines of an access log, written by systemd. */
async function journalOf({ events, folder }: Sending): Promise<string> {
  const startUs = (Date.now() - events) * 1_000;
  const entries = Array.from(
    { length: events },
    (_, n) => `__REALTIME_TIMESTAMP=${startUs + n * 1_000}
__MONOTONIC_TIMESTAMP=${1_000 + n}
_BOOT_ID=0123456789abcdef0123456789abcdef
_HOSTNAME=edge
SYSLOG_IDENTIFIER=nginx
PRIORITY=6
MESSAGE=${numberedLine(n, startUs / 1_000 + n)}
`,
  );
  const exported = path.join(folder, "entries");
  await writeFile(exported, entries.join(""));
  const journal = path.join(folder, "journal");
  await mkdir(journal);
  // A long journal has several files.
  const output = `--output=${path.join(journal, "sent.journal")}`;
  await run(program("systemd-journal-remote"), [output, exported], { env });
  return journal;
}

/** systemd-journal-upload, which is started again until everything is uploaded. */
export const JOURNAL_UPLOAD: Sender = {
  name: "systemd-journal-upload",
  transport: "journal over HTTP",
  isInstalled: ROOT !== undefined,
  async start(sending): Promise<Running> {
    const { folder, ports } = sending;
    const journal = await journalOf(sending);
    const args = [
      `--url=http://127.0.0.1:${ports.journalHttp}`,
      `--directory=${journal}`,
      `--save-state=${path.join(folder, "upload.state")}`,
      "--follow=no",
    ];
    const stopping = new AbortController();
    const upload = async (): Promise<void> => {
      while (!stopping.signal.aborted) {
        const child = spawn(program("systemd-journal-upload"), args, { env, stdio: "ignore" });
        stopping.signal.addEventListener("abort", () => child.kill("SIGKILL"), { once: true });
        await once(child, "close");
        if (child.exitCode === 0) return;
        await delay(RESTART_MS);
      }
    };
    const done = upload();
    return {
      done,
      async [Symbol.asyncDispose]() {
        stopping.abort();
        await done;
      },
    };
  },
};
