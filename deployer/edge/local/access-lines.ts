import path from "node:path";

import { bufferLines } from "#platform/http/line-buffer.ts";
import { RotatingFile } from "#platform/rotating-file.ts";

const FILE_BYTES_MAX = 32 * 1024 * 1024;
const OLD_FILES_MAX = 3;

/** One request as clients saw it. Times in ms. */
export type Access = {
  atMs: number;
  client: string;
  workload: string;
  method: string;
  url: string;
  /** 0: no response was begun. */
  status: number;
  lane: string;
  release: string | null;
  /** The slot that was asked last. */
  slot: string;
  retries: number;
  connectMs: number;
  responseMs: number;
  totalMs: number;
  bytesSent: number;
  /** How it ended, as HAProxy says it: `--`, `CD` the client went away, `SC`, `SH`, `SD` the task failed, `sH` it took too long. */
  end: string;
};

export type AccessLines = { write(access: Access): void; close(): void };

/** The access log of a node: JSON with HAProxy's names, so that it is read as a log of HAProxy. */
export function openAccessLines(dataFolder: string, node: string): AccessLines {
  const file = new RotatingFile(path.join(dataFolder, "logs", `edge-${node}.log`), {
    bytesMax: FILE_BYTES_MAX,
    oldFilesMax: OLD_FILES_MAX,
  });
  const lines = bufferLines((bytes) => file.write(bytes.toString()));
  const start = `{"node":${JSON.stringify(node)},"t":`;
  return {
    write: (access) => lines.write(start + rest(access)),
    close() {
      lines.close();
      file.close();
    },
  };
}

const ms = (value: number): string => (value < 0 ? "-1" : value.toFixed(1));

const rest = (it: Access): string =>
  `${it.atMs},"ci":"${it.client}","f":"${it.workload}","b":"${it.workload}_${it.lane}",` +
  `"s":"${it.slot}","HM":"${it.method}","HU":${JSON.stringify(it.url)},"ST":${it.status},` +
  `"Tc":${ms(it.connectMs)},"Tr":${ms(it.responseMs)},"Ta":${ms(it.totalMs)},"B":${it.bytesSent},` +
  `"ts":"${it.end}","rc":${it.retries},"lane":"${it.lane}","release":${JSON.stringify(it.release)}}\n`;
