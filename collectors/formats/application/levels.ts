/** Abbreviations of .NET, Serilog, Ruby, glog and others. Other words are the logger's own and are kept. */
const WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    v: "verbose",
    t: "trace",
    trc: "trace",
    trce: "trace",
    vrb: "verbose",
    d: "debug",
    dbg: "debug",
    dbug: "debug",
    i: "info",
    inf: "info",
    information: "info",
    w: "warn",
    wrn: "warn",
    e: "error",
    err: "error",
    eror: "error",
    fail: "error",
    c: "critical",
    crt: "critical",
    crit: "critical",
    f: "fatal",
    ftl: "fatal",
  }),
);

/** Names of the levels of pino and bunyan, of Monolog, and of syslog, which GELF uses: their ranges do not overlap. */
const NUMBERS: ReadonlyMap<number, string> = new Map([
  [10, "trace"],
  [20, "debug"],
  [30, "info"],
  [40, "warn"],
  [50, "error"],
  [60, "fatal"],
  [100, "debug"],
  [200, "info"],
  [250, "notice"],
  [300, "warning"],
  [400, "error"],
  [500, "critical"],
  [550, "alert"],
  [600, "emergency"],
  [0, "emergency"],
  [1, "alert"],
  [2, "critical"],
  [3, "error"],
  [4, "warning"],
  [5, "notice"],
  [6, "info"],
  [7, "debug"],
]);

const WORD = /^[a-z][a-z0-9_-]{0,15}$/;
const ERROR = /^(?:error|fatal|critical|alert|emerg|panic|dpanic|severe)/;

/** The name of a level in lower case; undefined if the value is not a level. */
export function levelName(value: unknown): string | undefined {
  if (typeof value === "number") return NUMBERS.get(value);
  if (typeof value !== "string" || value.length > 24) return undefined;
  const word = value.trim().toLowerCase();
  if (/^\d{1,3}$/.test(word)) return NUMBERS.get(Number(word));
  return WORD.test(word) ? (WORDS.get(word) ?? word) : undefined;
}

/** The `event.type` of an event with this level. */
export const typeOfLevel = (level: string): "error" | "info" =>
  ERROR.test(level) ? "error" : "info";
