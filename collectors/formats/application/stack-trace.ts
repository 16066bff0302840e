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

export type ErrorTitle = { type: string; message: string | undefined };

/** The type and message of an error in a title such as `TypeError: text`; undefined if it is none. */
export function errorTitle(line: string): ErrorTitle | undefined {
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

/** The first line of a trace that nobody logged: the program ended by it, or its runtime wrote it. */
const UNCAUGHT =
  /^(?:Exception in thread "|panic: |fatal error: |Unhandled exception\. |Uncaught |\[?UnhandledPromiseRejection|(?:file:\/\/)?[\w./@ -]{1,300}\.[cm]?[jt]sx?:\d{1,7}$|node:[\w/]{1,100}:\d{1,7}$)/;

/** Whether the line begins an error that is not part of the event before it. */
export const beginsUncaught = (line: string): boolean => UNCAUGHT.test(line.slice(0, 512));

/**
 * Whether a trace may begin with this line. It continues the event before it if there is one, and is an event of its own
 * otherwise.
 */
export function mayBeginTrace(line: string): boolean {
  if (line.startsWith(PYTHON_HEAD) || beginsUncaught(line)) return true;
  const title = errorTitle(line.slice(0, 512));
  return title !== undefined && (title.message !== undefined || title.type.includes("."));
}

/** A line by which a trace is recognised: a frame, a title, or what Python and Go write before frames. */
const TRACE_LINE =
  /^(?:Traceback \(most recent call last\):|[ \t]+at \S|[ \t]*Caused by: |goroutine \d{1,12} \[|[ \t]+File "|Stack trace:|#0 )/m;

/** Splits the lines after the first one of an event into what belongs to the message, and its trace. */
export function splitTrace(lines: string): { message: string; trace: string | undefined } {
  const found = TRACE_LINE.exec(lines);
  if (!found) return { message: lines, trace: undefined };
  const before = lines.slice(0, found.index).replace(/\n$/, "");
  const from = before.lastIndexOf("\n") + 1;
  // The title of Java and Node is the line before the first frame.
  const start = errorTitle(before.slice(from)) ? from : found.index;
  return { message: lines.slice(0, start).replace(/\n$/, ""), trace: lines.slice(start) };
}
