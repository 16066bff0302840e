import { access, constants, mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";

import { createTransport } from "nodemailer";

import type { Mailer } from "./port.ts";
import { messageId } from "./smtp.ts";

/** Mails as .eml files in a folder, where any mail program opens them: for trying out, and where no server is set. */
export function fileMailer(options: { folder: string; from: string }): Mailer {
  const transport = createTransport(
    { streamTransport: true, buffer: true, newline: "crlf" },
    { from: options.from, disableFileAccess: true, disableUrlAccess: true },
  );
  const open = async (): Promise<void> =>
    void (await mkdir(options.folder, { recursive: true, mode: 0o700 }));
  return {
    async send({ id, to, subject, text }) {
      const made = await transport.sendMail({
        messageId: messageId(id, options.from),
        to,
        subject,
        text,
      });
      await open();
      const file = path.join(options.folder, `${id}.eml`);
      // Whole or not at all; the same mail again is the same file again.
      await writeFile(`${file}.part`, made.message, { mode: 0o600 });
      await rename(`${file}.part`, file);
      return "sent";
    },
    async check() {
      await open();
      await access(options.folder, constants.W_OK);
    },
    close: () => transport.close(),
  };
}
