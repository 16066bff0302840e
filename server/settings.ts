import { accountsSettings } from "#api/accounts/settings.ts";
import {
  apiPortSettings,
  apiUrlSettings,
  installationSettings,
  kitSettings,
  workerCountSettings,
} from "#api/kit/settings.ts";
import { managementSettings } from "#api/management/settings.ts";
import { reportingSettings } from "#api/reporting/settings.ts";
import { derivationSettings } from "#collectors/settings.ts";
import { agentSettings, edgeSettings } from "#deployer/edge/settings.ts";
import { processingSettings } from "#pipeline/processing/settings.ts";
import { busSettings, storeSettings } from "#pipeline/settings.ts";
import { controlHttpSettings } from "#platform/http/settings.ts";
import { databaseSettings } from "#platform/postgres/settings.ts";
import { dataFolderSettings } from "#platform/settings/data-folder.ts";
import { logSettings } from "#platform/settings/log-level.ts";
import { sessionSettings } from "#platform/settings/session-limits.ts";
import type { SettingGroup, SettingsOf } from "#platform/settings/settings.ts";
import { receiverSettings } from "#receivers/settings.ts";

import { ecsSettings, journalSettings } from "./deploys/settings.ts";

/** Settings of the control plane. */
export const controlSettings = {
  ...dataFolderSettings,
  ...storeSettings,
  ...controlHttpSettings,
  ...databaseSettings,
  ...sessionSettings,
  timezone: derivationSettings.timezone,
  ...logSettings,
} satisfies SettingGroup;

/** Settings of the indexer. */
export const indexSettings = {
  ...dataFolderSettings,
  ...storeSettings,
  ...busSettings,
  ...derivationSettings,
  ...processingSettings,
  ...logSettings,
} satisfies SettingGroup;

/** Settings of the receivers of pushed logs. */
export const receiveSettings = {
  ...dataFolderSettings,
  ...busSettings,
  ...processingSettings,
  ...receiverSettings,
  ...logSettings,
} satisfies SettingGroup;

/** Settings of the role that deploys; tasks of the domain APIs also get those of their API. */
export const deploysSettings = {
  ...dataFolderSettings,
  ...storeSettings,
  ...busSettings,
  ...logSettings,
  ...edgeSettings,
  ...journalSettings,
  ...ecsSettings,
} satisfies SettingGroup;

/** Settings of an edge agent. */
export const edgeAgentSettings = {
  ...dataFolderSettings,
  ...logSettings,
  ...agentSettings,
} satisfies SettingGroup;

/** Settings of a process that starts domain APIs. */
export const apiHostSettings = {
  ...dataFolderSettings,
  ...installationSettings,
  ...workerCountSettings,
} satisfies SettingGroup;

export type ControlSettings = SettingsOf<typeof controlSettings>;
export type IndexSettings = SettingsOf<typeof indexSettings>;
export type ReceiveSettings = SettingsOf<typeof receiveSettings>;
export type DeploysSettings = SettingsOf<typeof deploysSettings>;
export type EdgeAgentSettings = SettingsOf<typeof edgeAgentSettings>;
export type ApiHostSettings = SettingsOf<typeof apiHostSettings>;

/** Every setting of every module, in the order of `.env.example`. */
export const ALL_SETTINGS = {
  control: controlSettings,
  index: indexSettings,
  receive: receiveSettings,
  kit: kitSettings,
  apis: apiHostSettings,
  apiPorts: apiPortSettings,
  apiUrls: apiUrlSettings,
  accounts: accountsSettings,
  management: managementSettings,
  reporting: reportingSettings,
  deploys: deploysSettings,
  edgeAgent: edgeAgentSettings,
};
