import { type Environment, type SettingGroups, variablesOf } from "./settings.ts";

/** Variables of the operating system and the runtime. */
const SYSTEM =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|TZ|LANG|LC_\w+|TMPDIR|TMP|TEMP|LD_LIBRARY_PATH|NODE_\w+|SSL_CERT_\w+|(?:https?|no)_proxy)$/i;

export type ProcessSettings = {
  settings: SettingGroups;
  /** Prefixes of variables that libraries read themselves, such as `AWS_`. */
  prefixes?: readonly string[];
};

/** The environment of a child process: only the settings that its modules read. */
export function processEnvironment(
  env: Environment,
  { settings, prefixes = [] }: ProcessSettings = { settings: {} },
): NodeJS.ProcessEnv {
  const system = Object.entries(env).filter(
    ([name]) => SYSTEM.test(name) || prefixes.some((prefix) => name.startsWith(prefix)),
  );
  const found = Object.fromEntries(
    system.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  return { NODE_ENV: process.env.NODE_ENV, ...found, ...variablesOf(settings, env) };
}
