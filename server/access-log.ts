import { bufferLines } from "#platform/http/line-buffer.ts";
import { RotatingFile } from "#platform/rotating-file.ts";

/** Limits the files to 200 MiB in total. */
const LIMITS = { bytesMax: 40 * 1024 * 1024, oldFilesMax: 4 };

export type AccessLog = { write(line: string): void; close(): void };

/** The access log of the control plane: one ECS document (JSON) per request. */
export function openAccessLog(path: string): AccessLog {
  const file = new RotatingFile(path, LIMITS);
  const lines = bufferLines((bytes) => file.write(bytes.toString()));
  return {
    write: lines.write,
    close() {
      lines.close();
      file.close();
    },
  };
}
