import { z } from "zod";

import { dataFolderSettings } from "#platform/settings/data-folder.ts";
import { sessionSettings } from "#platform/settings/session-limits.ts";
import type { SettingGroup, SettingsOf } from "#platform/settings/settings.ts";

export const accountsSettings = {
  ...dataFolderSettings,
  ...sessionSettings,
  smtpUrl: {
    variable: "SMTP_URL",
    schema: z.url({ protocol: /^smtps?$/, error: "give smtp://user:password@host:587" }),
    description: "Mail server of Accounts. Default: mails are written to files in the data folder.",
    secret: true,
  },
  mailFrom: {
    variable: "MAIL_FROM",
    schema: z.email({ error: "give an e-mail address" }),
    default: "accounts@localhost.localdomain",
    description: "Sender address of mails.",
  },
} satisfies SettingGroup;

export type AccountsSettings = SettingsOf<typeof accountsSettings>;
