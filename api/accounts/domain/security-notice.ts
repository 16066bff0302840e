import type { MailText } from "./mail-link.ts";

/** Changes of which the owner is notified by mail, as an attacker could have made them. */
export const SECURITY_NOTICES = ["address", "password", "passkey", "second-factor"] as const;
export type SecurityNotice = (typeof SECURITY_NOTICES)[number];

const TEXTS: Readonly<Record<SecurityNotice, MailText>> = {
  address: {
    subject: "Your account has a new e-mail address",
    text: "The e-mail address of your Quarterdeck account was changed. Mails about the account are no longer sent here.",
  },
  password: {
    subject: "Your password was changed",
    text: "The password of your Quarterdeck account was changed, and its other sessions were ended.",
  },
  passkey: {
    subject: "A passkey was added",
    text: "A passkey was added to your Quarterdeck account. It can sign in without the password.",
  },
  "second-factor": {
    subject: "Your second factor was removed",
    text: "Your Quarterdeck account no longer requires a code of an authenticator app.",
  },
};

/** Contains no link, because phishing mails contain links. */
export const noticeText = (notice: SecurityNotice): MailText => ({
  subject: TEXTS[notice].subject,
  text: `${TEXTS[notice].text}\n\nIf that was you, no action is needed. If not, set a new password now and contact the operator of this service.`,
});
