import type { Mistake } from "../configuration/port.ts";
import { linesOf } from "./config-sections.ts";
import { TEMPLATE_VARIABLE } from "./render-node.ts";

const RUNS_CODE = "it would run code as the user of Quarterdeck";
const SETS_ENVIRONMENT = "HAProxy starts itself again with it";
const WRITES = "it would write a file as the user of Quarterdeck";

/** What nobody has reviewed must not run, or replace files. HAProxy does so even when it only checks a configuration. */
const FORBIDDEN: ReadonlyMap<string, string> = new Map([
  ["program", RUNS_CODE],
  ["external-check", RUNS_CODE],
  ["insecure-fork-wanted", RUNS_CODE],
  ["insecure-setuid-wanted", RUNS_CODE],
  ["lua-load", RUNS_CODE],
  ["lua-load-per-thread", RUNS_CODE],
  ["lua-prepend-path", RUNS_CODE],
  ["module-load", RUNS_CODE],
  ["module-path", RUNS_CODE],
  ["ssl-engine", RUNS_CODE],
  ["ssl-provider", RUNS_CODE],
  ["ssl-provider-path", RUNS_CODE],
  ["presetenv", SETS_ENVIRONMENT],
  ["resetenv", SETS_ENVIRONMENT],
  ["setenv", SETS_ENVIRONMENT],
  ["unsetenv", SETS_ENVIRONMENT],
  ["backing-file", WRITES],
  ["pidfile", WRITES],
  ["shm-stats-file", WRITES],
]);

/** As it stands there: HAProxy reads quotes, escapes and variables first, and might find another word. */
const PLAIN_KEYWORD = /^[\w.-]+$/;
/** They may stand before any keyword, and HAProxy obeys that before it complains. */
const PREFIXES = new Set(["no", "default"]);

/** What HAProxy must not do, whatever it says about the rest. To be checked before HAProxy reads the configuration. */
export function forbiddenParts(text: string): Mistake[] {
  return linesOf(text).flatMap(({ number, words, text: line }) => {
    const prefixes = PREFIXES.has(words[0] ?? "") ? 1 : 0;
    const [keyword = "", name = ""] = words.slice(prefixes);
    // Of Quarterdeck itself.
    const isOwn = keyword === "setenv" && name === TEMPLATE_VARIABLE;
    const why = isOwn ? undefined : FORBIDDEN.get(keyword);
    if (why !== undefined) return [{ line: number, message: `${keyword} is not allowed: ${why}.` }];
    const written = line
      .trim()
      .split(/\s+/)
      .slice(0, prefixes + 1);
    if (written.every((word) => PLAIN_KEYWORD.test(word))) return [];
    const message =
      "The keyword of a line must be written out, without quotes, escapes and variables.";
    return [{ line: number, message }];
  });
}
