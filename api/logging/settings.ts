import { processingSettings } from "#pipeline/processing/settings.ts";
import { busSettings, storeSettings } from "#pipeline/settings.ts";
import { dataFolderSettings } from "#platform/settings/data-folder.ts";
import type { SettingGroup, SettingsOf } from "#platform/settings/settings.ts";

export const loggingSettings = {
  ...dataFolderSettings,
  ...storeSettings,
  ...busSettings,
  ...processingSettings,
} satisfies SettingGroup;

export type LoggingSettings = SettingsOf<typeof loggingSettings>;
