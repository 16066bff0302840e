import path from "node:path";

import { defineService } from "#api/kit/service.ts";
import { bindHandlers } from "#platform/jobs/define-job.ts";

import { housekeeping } from "./commands/housekeeping.ts";
import { accountsEvents } from "./events.ts";
import * as jobHandlers from "./job-handlers.ts";
import { accountsJobs } from "./jobs.ts";
import { fileMailer } from "./mail/file.ts";
import type { Mailer } from "./mail/port.ts";
import { smtpMailer } from "./mail/smtp.ts";
import { openDeps } from "./open-deps.ts";
import { coreMigrations } from "./repositories/migrations-core.ts";
import { identityMigrations } from "./repositories/migrations-identity.ts";
import { accountsRoutes } from "./routes/accounts-routes.ts";
import { accountsSecrets } from "./secrets.ts";
import { accountsSettings, type AccountsSettings } from "./settings.ts";

export const accounts = defineService({
  name: "accounts",
  title: "Accounts",
  description:
    "Sign-up, sign-in and sessions, second factors, passkeys, products with their roles and grants, service accounts, and the OpenID provider that the control plane and other products sign in with. Every decision is audited.",
  migrations: [...coreMigrations, ...identityMigrations],
  settings: accountsSettings,
  secrets: accountsSecrets,
  jobs: accountsJobs,
  events: accountsEvents,
  open(kit, settings) {
    const deps = openDeps(kit, settings);
    const mailer = mailerOf(settings);
    // Only a warning: jobs that send mails are attempted again.
    void mailer.check().catch((error: unknown) => kit.log.warn("mails cannot be sent", { error }));
    return Promise.resolve({
      routes: accountsRoutes(deps),
      jobs: bindHandlers(jobHandlers, { ...deps, mailer }),
      tasks: [housekeeping(deps)],
      authenticate: (token) => {
        const found = deps.authenticateToken(token);
        return found instanceof Promise ? found.then((it) => it?.caller) : found?.caller;
      },
      close: () => Promise.resolve(mailer.close()),
    });
  },
});

function mailerOf({ smtpUrl, mailFrom: from, dataFolder }: AccountsSettings): Mailer {
  if (smtpUrl !== undefined) return smtpMailer({ url: smtpUrl, from });
  return fileMailer({ folder: path.join(dataFolder, "api", "mail"), from });
}
