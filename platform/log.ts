import { type Logger, pino } from "pino";

import { type Clock, systemClock } from "./clock.ts";
import { RotatingFile } from "./rotating-file.ts";

type LogFields = Readonly<Record<string, unknown>> & { error?: unknown };

/** Quarterdeck's own log for operators: one ECS document (JSON) per line. */
export type Log = {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with additional fields in every line. */
  child(fields: LogFields): Log;
  close(): void;
};

export type LogLevel = "debug" | "info" | "warn" | "error";

const ECS_VERSION = "8.11.0";
const FILE_BYTES_MAX = 10 * 1024 * 1024;
const OLD_FILES_MAX = 4;
const SECRETS = ["password", "token", "secret", "cookie", "authorization", "databaseUrl"];

/** Opens the log in a file that only its owner may read. It is rotated by size; at most 50 MB are kept. */
export function openLog(options: { file: string; level: LogLevel; clock?: Clock }): Log {
  const file = new RotatingFile(options.file, {
    bytesMax: FILE_BYTES_MAX,
    oldFilesMax: OLD_FILES_MAX,
  });
  return logTo(file, options);
}

/** A log for tests and for commands without a log. */
export function silentLog(): Log {
  return logTo({ write: () => undefined, close: () => undefined }, { level: "error" });
}

type Lines = { write(line: string): void; close(): void };

/** `base`: the fields of every line, instead of those of Quarterdeck's own log. */
export function logTo(
  lines: Lines,
  options: { level: LogLevel; clock?: Clock; base?: LogFields },
): Log {
  const clock = options.clock ?? systemClock;
  const logger = pino(
    {
      level: options.level,
      messageKey: "message",
      errorKey: "error",
      timestamp: () => `,"@timestamp":"${new Date(clock.nowMs()).toISOString()}"`,
      base: {
        "ecs.version": ECS_VERSION,
        "event.dataset": "quarterdeck.log",
        "service.name": "quarterdeck",
        "process.pid": process.pid,
        ...options.base,
      },
      formatters: { level: (label) => ({ "log.level": label }) },
      serializers: { error: ecsError },
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: "****" },
    },
    lines,
  );
  return wrap(logger, lines);
}

type PinoLogger = Pick<Logger, "debug" | "info" | "warn" | "error"> & {
  child(fields: LogFields): PinoLogger;
};

function wrap(logger: PinoLogger, lines: Lines): Log {
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    child: (fields) => wrap(logger.child(fields), lines),
    close: () => lines.close(),
  };
}

/** ECS `error.*`, with the chain of causes in the stack trace. */
function ecsError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const chain: string[] = [];
  let next: unknown = error;
  while (next instanceof Error && chain.length < 5) {
    chain.push(next.stack ?? next.message);
    next = next.cause;
  }
  return {
    type: error.name,
    message: error.message,
    stack_trace: chain.join("\ncaused by: "),
    ...("code" in error ? { code: error.code } : {}),
  };
}
