import { derivationSettings } from "#collectors/settings.ts";
import { dataFolderSettings } from "#platform/settings/data-folder.ts";
import type { SettingGroup } from "#platform/settings/settings.ts";

export const loggingSettings = {
  ...dataFolderSettings,
  ...derivationSettings,
} satisfies SettingGroup;
