import { accountsSecrets } from "#api/accounts/secrets.ts";
import { accountsSettings } from "#api/accounts/settings.ts";
import { billingSecrets } from "#api/billing/secrets.ts";
import { serviceTokenOf } from "#api/kit/keys.ts";
import type { ServiceName } from "#api/kit/service.ts";
import { apiUrlSettings, kitSettings } from "#api/kit/settings.ts";
import { loggingSettings } from "#api/logging/settings.ts";
import { STORED_SECRETS } from "#api/management/secrets.ts";
import { managementSettings } from "#api/management/settings.ts";
import { AWS_PREFIX, reportingSettings } from "#api/reporting/settings.ts";
import { PG_PREFIX } from "#platform/postgres/settings.ts";
import type { ProcessSettings } from "#platform/settings/process-environment.ts";
import type { SettingGroup } from "#platform/settings/settings.ts";

type Own = {
  settings?: SettingGroup;
  prefixes?: readonly string[];
  /** Purposes of derived keys. */
  secrets?: readonly string[];
};

/** Repeated here so that the process that starts a service does not have to load the service. */
const OWN: Readonly<Record<ServiceName, Own>> = {
  accounts: { settings: accountsSettings, secrets: accountsSecrets },
  billing: { secrets: billingSecrets },
  management: { settings: managementSettings, secrets: [STORED_SECRETS] },
  logging: { settings: loggingSettings },
  reporting: {
    settings: reportingSettings,
    prefixes: [AWS_PREFIX],
    secrets: [serviceTokenOf("reporting")],
  },
};

/** The settings that a worker process of the service reads. */
export const workerSettings = (service: ServiceName) => ({
  kit: kitSettings,
  url: { url: apiUrlSettings[service] },
  own: OWN[service].settings ?? {},
});

/** The purposes of the derived keys that the service uses. */
export const workerSecrets = (service: ServiceName): readonly string[] =>
  OWN[service].secrets ?? [];

/** The variables that a worker process of the service may read. */
export const workerProcess = (service: ServiceName): ProcessSettings => ({
  settings: workerSettings(service),
  prefixes: [PG_PREFIX, ...(OWN[service].prefixes ?? [])],
});
