import { accountsSettings } from "#api/accounts/settings.ts";
import type { ServiceName } from "#api/kit/service.ts";
import { apiUrlSettings, kitSettings } from "#api/kit/settings.ts";
import { loggingSettings } from "#api/logging/settings.ts";
import { managementSettings } from "#api/management/settings.ts";
import { AWS_PREFIX, reportingSettings } from "#api/reporting/settings.ts";
import { PG_PREFIX } from "#platform/postgres/settings.ts";
import type { ProcessSettings } from "#platform/settings/process-environment.ts";
import type { SettingGroup } from "#platform/settings/settings.ts";

type Own = { settings?: SettingGroup; prefixes?: readonly string[] };

/** Repeated here so that the process that starts a service does not have to load the service. */
const OWN_SETTINGS: Readonly<Record<ServiceName, Own>> = {
  accounts: { settings: accountsSettings },
  billing: {},
  management: { settings: managementSettings },
  logging: { settings: loggingSettings },
  reporting: { settings: reportingSettings, prefixes: [AWS_PREFIX] },
};

/** The settings that a worker process of the service reads. */
export const workerSettings = (service: ServiceName) => ({
  kit: kitSettings,
  url: { url: apiUrlSettings[service] },
  own: OWN_SETTINGS[service].settings ?? {},
});

/** The variables that the environment of a worker process of the service may contain. */
export const workerProcess = (service: ServiceName): ProcessSettings => ({
  settings: workerSettings(service),
  prefixes: [PG_PREFIX, ...(OWN_SETTINGS[service].prefixes ?? [])],
});
