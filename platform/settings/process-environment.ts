import { type Environment, type SettingGroups, variablesOf } from "./settings.ts";

/** Variables of the operating system and the runtime. */
const SYSTEM =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|TZ|LANG|LC_\w+|TMPDIR|TMP|TEMP|LD_LIBRARY_PATH|NODE_\w+|UV_THREADPOOL_SIZE|SSL_CERT_\w+|(?:https?|no)_proxy)$/i;

export type ProcessSettings = {
  settings: SettingGroups;
  /** Prefixes of variables that libraries read themselves, such as `AWS_`. */
  prefixes?: readonly string[];
};

/** The environment of a child process: the variables of the system and those that its modules read. */
export const processEnvironment = (
  env: Environment,
  own: ProcessSettings = { settings: {} },
): NodeJS.ProcessEnv => ({
  NODE_ENV: process.env.NODE_ENV,
  ...matching(env, (name) => SYSTEM.test(name)),
  ...ownVariables(env, own),
});

/** The variables that the modules and libraries of a process read. */
export const ownVariables = (
  env: Environment,
  { settings, prefixes = [] }: ProcessSettings,
): Record<string, string> => ({
  ...matching(env, (name) => prefixes.some((prefix) => name.startsWith(prefix))),
  ...variablesOf(settings, env),
});

const matching = (env: Environment, matches: (name: string) => boolean): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value !== undefined && matches(name) ? [[name, value]] : [],
    ),
  );
