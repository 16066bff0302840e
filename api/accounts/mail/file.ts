import { access, constants, mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";

import { createTransport } from "nodemailer";

import type { Mailer } from "./port.ts";
import { messageId } from "./smtp.ts";

/** Writes mails as .eml files to a folder, if no mail server is configured. */
export function fileMailer(options: { folder: string; from: string }): Mailer {
  const transport = createTransport(
    { streamTransport: true, buffer: true, newline: "crlf" },
    { from: options.from, disableFileAccess: true, disableUrlAccess: true },
  );
  const createFolder = async (): Promise<void> =>
    void (await mkdir(options.folder, { recursive: true, mode: 0o700 }));
  return {
    async send({ id, to, subject, text }) {
      const composed = await transport.sendMail({
        messageId: messageId(id, options.from),
        to,
        subject,
        text,
      });
      await createFolder();
      const file = path.join(options.folder, `${id}.eml`);
      // The rename is atomic, and writing the same mail again replaces it.
      await writeFile(`${file}.part`, composed.message, { mode: 0o600 });
      await rename(`${file}.part`, file);
      return "sent";
    },
    async check() {
      await createFolder();
      await access(options.folder, constants.W_OK);
    },
    close: () => transport.close(),
  };
}
