import type { SourceStatus } from "#collectors/source.ts";
import { openFilesMax } from "#platform/open-files.ts";

import type { Catalogue } from "./catalogue.ts";
import type { FileState, TrackedFile } from "./tracked-file.ts";
import type { Watch } from "./watch.ts";

type Description = Omit<SourceStatus, "path" | "source">;

const STATES: Record<Exclude<FileState, "reading">, (file: TrackedFile) => Description> = {
  new: () => ({ level: "info", message: "has no complete line yet" }),
  copy: ({ stream }) => {
    const other = stream?.holder?.path ?? "another file";
    return { level: "info", message: `has the same content as ${other}, which is read` };
  },
  done: () => ({ level: "info", message: "was already read to its end" }),
  short: () => ({
    level: "warning",
    message: "is shorter than what was already read; waiting for the rest",
  }),
  claimed: () => ({
    level: "warning",
    message:
      "is being read by another Quarterdeck process with the same data folder; stop that one to read it here",
  }),
  failed: () => ({ level: "error", message: "cannot be read; it will be retried" }),
};

const grouped = new Intl.NumberFormat("en");
const NULS_SHOWN_MIN = 64 * 1024;
const LEVELS = { error: 0, warning: 1, info: 2 };

type Limits = { openMax: number; watch: Pick<Watch, "problem"> };

/** Status of each path for people, those with problems first. */
export function statusOf(catalogue: Catalogue, limits: Limits): SourceStatus[] {
  const problems = [...catalogue.problems].map(([path, { message, pattern }]): SourceStatus => {
    const level = message.startsWith("matches no file") ? "warning" : "error";
    return { path, message, level, source: catalogue.sourceOf(pattern) };
  });
  const files = catalogue.files().map((file): SourceStatus => {
    return { path: file.path, source: catalogue.sourceOf(file.pattern), ...describe(file) };
  });
  const followed = catalogue.files().filter(isFollowed).length;
  const all = [...problems, ...files, ...limitsOf(followed, limits)];
  return all.toSorted((a, b) => LEVELS[a.level] - LEVELS[b.level]);
}

/** Whether it is kept open if possible, because more may be written to it. */
const isFollowed = ({ compression, isRotated, isDeleted }: TrackedFile): boolean =>
  compression === undefined && !isRotated && !isDeleted;

function limitsOf(files: number, { openMax, watch }: Limits): SourceStatus[] {
  const found: SourceStatus[] = [];
  if (files > openMax) {
    found.push({
      path: `${files} log files`,
      level: "warning",
      message: `only ${openMax} are kept open at a time, and the others are read in turns: lines at the end of a file that is deleted while it is closed are lost. This process may open ${openFilesMax()} files: raise the limit with ulimit -n`,
    });
  }
  if (watch.problem) found.push({ ...watch.problem, level: "warning" });
  return found;
}

function describe(file: TrackedFile): Description {
  const { problem, stream } = file;
  if (problem !== undefined) return { level: stream ? "warning" : "error", message: problem };
  if (file.nulsPending >= NULS_SHOWN_MIN) {
    return {
      level: "info",
      message: `is skipping NUL bytes: ${grouped.format(file.nulsPending)} so far`,
    };
  }
  if (file.state !== "reading") return STATES[file.state](file);
  const offset = stream?.fingerprint.offset ?? 0;
  const nuls = file.nulsSkipped;
  const skipped =
    nuls >= NULS_SHOWN_MIN
      ? `; skipped ${grouped.format(nuls)} NUL bytes, as truncation leaves them if the writer keeps its position`
      : "";
  return {
    level: "info",
    message: `${progressOf(file, offset)}${skipped}`,
    progress: {
      read: offset,
      unit: "bytes",
      ...(!file.compression && { total: Math.max(offset, file.size) }),
    },
  };
}

/** The size of a compressed file is not that of its content. */
function progressOf({ compression, size }: TrackedFile, offset: number): string {
  const read = grouped.format(offset);
  if (compression) return `${read} bytes of its content are read`;
  return offset < size
    ? `${read} of ${grouped.format(size)} bytes are read`
    : `read to its end (${read} bytes)`;
}
