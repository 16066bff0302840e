import { z } from "zod";

import { SERVICE_NAMES } from "#api/kit/service.ts";
import { apiUrlSettings } from "#api/kit/settings.ts";
import type { Setting } from "#platform/settings/settings.ts";
import { workerProcess, workerSettings } from "#server/apis/service-settings.ts";
import { apiHostSettings } from "#server/settings.ts";

/** Every variable that a domain API reads. */
const KNOWN: ReadonlyMap<string, Setting> = new Map(
  [
    apiHostSettings,
    apiUrlSettings,
    ...SERVICE_NAMES.flatMap((name) => Object.values(workerSettings(name))),
  ]
    .flatMap((group): Setting[] => Object.values(group))
    .map((setting) => [setting.variable, setting]),
);
/** Of variables that libraries read. */
const PREFIXES = SERVICE_NAMES.flatMap((name) => workerProcess(name).prefixes ?? []);

/** Depend on the task, or on the release. */
const OWN = ["QUARTERDECK_DATA", "QUARTERDECK_HOST", "API_RELEASE"];
const NEEDED = {
  secrets: [
    ["DATABASE_URL", "all APIs keep their data there"],
    ["API_ROOT_KEY", "the APIs derive their keys from it"],
  ],
  settings: [
    [
      apiUrlSettings.accounts.variable,
      "access tokens name the URL at which clients reach Accounts",
    ],
    [apiUrlSettings.billing.variable, "Reporting reads events there"],
  ],
} as const;

export const SecretArn = z
  .string()
  .regex(
    /^arn:aws[\w-]*:secretsmanager:[\w-]+:\d{12}:secret:\S+$/,
    "give the ARN of a secret of Secrets Manager",
  );

const HINT = "give variables and their values";

/** Secrets of domain APIs by variable. */
export const SecretArns = z
  .record(z.string(), SecretArn, { error: HINT })
  .check(({ value, issues }) => {
    for (const [name, message] of secretMistakes(value)) {
      issues.push({ code: "custom", input: value, path: [name], message });
    }
  });

/** Settings of domain APIs by variable; texts, numbers and booleans. */
export const Settings = z
  .record(
    z.string(),
    z
      .union([z.string(), z.number(), z.boolean()], { error: "give a text or a number" })
      .transform((value) => String(value)),
    { error: HINT },
  )
  .check(({ value, issues }) => {
    for (const [name, message] of settingMistakes(value)) {
      issues.push({ code: "custom", input: value, path: [name], message });
    }
  });

type Mistake = [variable: string, message: string];
type Values = Readonly<Record<string, string>>;

function secretMistakes(values: Values): Mistake[] {
  const wrong = Object.keys(values).filter((name) => KNOWN.get(name)?.secret !== true);
  return [
    ...wrong.map((name): Mistake => [name, "no API reads a secret with this name"]),
    ...missing("secrets", values),
  ];
}

function settingMistakes(values: Values): Mistake[] {
  const mistakes = Object.entries(values).flatMap(([name, value]): Mistake[] => {
    const message = mistakeIn(name, value);
    return message === undefined ? [] : [[name, message]];
  });
  return [...mistakes, ...missing("settings", values)];
}

function mistakeIn(name: string, value: string): string | undefined {
  if (OWN.includes(name)) return "it is set for each task";
  if (PREFIXES.some((prefix) => name.startsWith(prefix))) return undefined;
  const setting = KNOWN.get(name);
  if (setting === undefined) return "no API reads a setting with this name";
  if (setting.secret) return "it is a secret: give its ARN in apis.secrets";
  const parsed = setting.schema.safeParse(value);
  return parsed.error?.issues[0]?.message;
}

const missing = (kind: keyof typeof NEEDED, values: Values): Mistake[] =>
  NEEDED[kind].flatMap(([name, why]): Mistake[] =>
    values[name] === undefined ? [[name, `is missing: ${why}`]] : [],
  );
