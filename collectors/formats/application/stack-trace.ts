/** Parts of a trace that are examined; a trace may be megabytes long. */
const HEAD_CHARS = 16_384;
const TAIL_CHARS = 8_192;

/** `java.lang.IllegalStateException: text`, `TypeError: text`, `requests.exceptions.Timeout`, `Foo [CODE]: text`. */
const TITLE =
  /^(?:Exception in thread "[^"\n]{0,200}" |Caused by: |Uncaught |\(node:\d{1,10}\) |Unhandled exception\. )?([A-Za-z_$][\w$]{0,80}(?:[.:]{1,2}[A-Za-z_$][\w$]{0,80}){0,16})(?: \[[\w]{1,60}\])?(?:: (.*)|:?)$/;
/** A name of a type of error, as such names end. */
const ERROR_NAME =
  /(?:Error|Exception|Throwable|Failure|Fault|Interrupt|Exit|Warning|Timeout|Iteration|Refused|NotFound|Panic)$/;
const PYTHON_HEAD = "Traceback (most recent call last):";
const PANIC = /^(?:panic|fatal error): (.*)$/;

type ErrorTitle = { type: string; message: string | undefined };

/** The type and message of an error in a title such as `TypeError: text`; undefined if it is none. */
function errorTitle(line: string): ErrorTitle | undefined {
  const text = line.slice(0, 4096);
  const panic = PANIC.exec(text);
  if (panic) return { type: text.startsWith("panic") ? "panic" : "fatal error", message: panic[1] };
  const [, type, message] = TITLE.exec(text) ?? [];
  if (
    type === undefined ||
    !(ERROR_NAME.test(type) || (type.includes(".") && /\.[A-Z]/.test(type)))
  )
    return undefined;
  return { type, message: message === "" ? undefined : message };
}

/**
 * The error of a stack trace: Python states it in the last line that is not indented, others in the first one. Undefined if
 * the text is no trace.
 */
export function errorOfTrace(trace: string): ErrorTitle | undefined {
  const python = trace.slice(0, HEAD_CHARS).lastIndexOf(PYTHON_HEAD);
  if (python < 0) return firstTitle(trace.slice(0, HEAD_CHARS));
  const lines = trace.slice(Math.max(python, trace.length - TAIL_CHARS)).split(/\r?\n/);
  for (const line of lines.toReversed()) {
    if (line === "" || /^\s/.test(line)) continue;
    const title = errorTitle(line);
    if (title) return title;
    // A type of the program that is not named like an error, without its package.
    const [, type, message] = /^([A-Za-z_][\w.]{0,200})(?:: (.*))?$/.exec(line) ?? [];
    if (type !== undefined) return { type, message };
  }
  return undefined;
}

function firstTitle(head: string): ErrorTitle | undefined {
  for (const line of head.split(/\r?\n/, 12)) {
    const title = /^\s/.test(line) ? undefined : errorTitle(line);
    if (title) return title;
  }
  return undefined;
}

/** Frames as log4j2 writes them in JSON: objects with class, method, file and line. Undefined if these are none. */
export function framesText(value: readonly unknown[]): string | undefined {
  const frames = value.slice(0, 1000).map((frame) => {
    if (typeof frame === "string") return frame;
    if (typeof frame !== "object" || frame === null) return undefined;
    const { class: type, method, file, line }: Frame = frame;
    const place = [file ?? "Unknown Source", line].filter((part) => part !== undefined);
    return `\tat ${[type, method].map(String).join(".")}(${place.map(String).join(":")})`;
  });
  return frames.includes(undefined) ? undefined : frames.join("\n");
}

type Frame = { class?: unknown; method?: unknown; file?: unknown; line?: unknown };
