import { createTransport } from "nodemailer";

import type { Mailer } from "./port.ts";

const CONNECT_MS_MAX = 10_000;
const REPLY_MS_MAX = 30_000;

/** Sends mails over SMTP, with TLS (`smtps:`) or STARTTLS if the server offers it. */
export function smtpMailer(options: { url: string; from: string }): Mailer {
  const transport = createTransport(
    {
      url: options.url,
      connectionTimeout: CONNECT_MS_MAX,
      greetingTimeout: CONNECT_MS_MAX,
      socketTimeout: REPLY_MS_MAX,
      disableFileAccess: true,
      disableUrlAccess: true,
    },
    { from: options.from },
  );
  return {
    async send({ id, to, subject, text }) {
      try {
        await transport.sendMail({ messageId: messageId(id, options.from), to, subject, text });
        return "sent";
      } catch (error) {
        const refused = permanentRefusal(error);
        if (refused === undefined) throw error;
        return { refused };
      }
    },
    check: async () => void (await transport.verify()),
    close: () => transport.close(),
  };
}

export const messageId = (id: string, from: string): string =>
  `<${id}@${from.slice(from.lastIndexOf("@") + 1)}>`;

/** The reply of the server to a mail that it refuses permanently (RFC 5321, 4.2.1: 5yz). */
function permanentRefusal(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("responseCode" in error)) return undefined;
  const code = Number(error.responseCode);
  // Wrong credentials can be corrected.
  const isAuthentication = "code" in error && error.code === "EAUTH";
  if (code < 500 || code > 599 || isAuthentication) return undefined;
  return error.message.slice(0, 300);
}
