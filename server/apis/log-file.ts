import path from "node:path";

import type { ServiceName } from "#api/kit/service.ts";
import { RotatingFile } from "#platform/rotating-file.ts";

/** At most 200 MB of each kind and service. */
const LIMITS = { bytesMax: 40 * 1024 * 1024, oldFilesMax: 4 };

export type LogFile = {
  /** One line per request. */
  accessFile: string;
  /** Everything except requests: actions and errors. */
  file: string;
  write(lines: string): void;
  close(): void;
};

/** The logs of a service in the data folder: one ECS document (JSON) per line. */
export function openLogFile(dataFolder: string, service: ServiceName): LogFile {
  const folder = path.join(dataFolder, "logs", "api");
  const accessFile = path.join(folder, `${service}.access.ndjson`);
  const file = path.join(folder, `${service}.ndjson`);
  const access = new RotatingFile(accessFile, LIMITS);
  const log = new RotatingFile(file, LIMITS);
  const isAccess = `"event.dataset":"${service}.access"`;
  return {
    accessFile,
    file,
    write(lines) {
      const all = lines.split("\n").filter((line) => line !== "");
      put(
        access,
        all.filter((line) => line.includes(isAccess)),
      );
      put(
        log,
        all.filter((line) => !line.includes(isAccess)),
      );
    },
    close() {
      access.close();
      log.close();
    },
  };
}

function put(to: RotatingFile, lines: readonly string[]): void {
  if (lines.length > 0) to.write(`${lines.join("\n")}\n`);
}
