import type { MailText } from "./mail-link.ts";

/** What the owner of an account is told of by mail, since a thief would do it too. */
export const SECURITY_NOTICES = ["address", "password", "passkey", "second-factor"] as const;
export type SecurityNotice = (typeof SECURITY_NOTICES)[number];

const SAID: Readonly<Record<SecurityNotice, MailText>> = {
  address: {
    subject: "Your account has a new e-mail address",
    text: "The e-mail address of your account of Quarterdeck was changed. Mails about it no longer come here.",
  },
  password: {
    subject: "Your password was changed",
    text: "The password of your account of Quarterdeck was changed, and its other sessions were ended.",
  },
  passkey: {
    subject: "A passkey was added",
    text: "A passkey was added to your account of Quarterdeck: it signs in without the password.",
  },
  "second-factor": {
    subject: "Your second factor was taken away",
    text: "Your account of Quarterdeck asks for no code of an authenticator app any more.",
  },
};

/** Plain text without a link: nobody learns to follow one in such a mail. */
export const noticeText = (notice: SecurityNotice): MailText => ({
  subject: SAID[notice].subject,
  text: `${SAID[notice].text}\n\nIf that was you, all is well. If not, set a new password now and tell whoever runs this service.`,
});
