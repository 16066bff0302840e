import path from "node:path";

import type { ServiceName } from "#api/kit/service.ts";
import { RotatingFile } from "#platform/rotating-file.ts";

/** At most 200 MB of each service. */
const LIMITS = { bytesMax: 40 * 1024 * 1024, oldFilesMax: 4 };

export type LogFile = { file: string; write(lines: string): void; close(): void };

/** The log of a service in the data folder: ECS, one JSON document a line. */
export function openLogFile(dataFolder: string, service: ServiceName): LogFile {
  const file = path.join(dataFolder, "logs", "api", `${service}.ndjson`);
  const log = new RotatingFile(file, LIMITS);
  return { file, write: (lines) => log.write(lines), close: () => log.close() };
}
