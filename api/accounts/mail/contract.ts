import { randomBytes } from "node:crypto";

import { expect, test } from "vitest";

import type { Mail, Mailer } from "./port.ts";

export type OpenMailer = AsyncDisposable & {
  mailer: Mailer;
  /** Raw messages. */
  received(): Promise<string[]>;
};

export const newMail = (more: Partial<Mail> = {}): Mail => ({
  id: `mlt_${randomBytes(6).toString("hex")}`,
  to: "ada@example.com",
  subject: "Grüße",
  text: "Hello Ada,\n\nhttp://127.0.0.1/page#token=abc-_1\n",
  ...more,
});

/** The contract of `Mailer`. */
export function testMailer(open: () => Promise<OpenMailer>): void {
  test("delivers a mail with sender, recipient, subject and text", async () => {
    await using opened = await open();
    expect(await opened.mailer.send(newMail())).toBe("sent");
    const [raw = ""] = await opened.received();
    expect(raw).toContain("To: ada@example.com");
    expect(raw).toContain("From: from@example.com");
    expect(raw).toMatch(/Subject: =\?UTF-8\?/i);
    expect(raw.replaceAll(/=\r?\n/g, "").replaceAll("=3D", "=")).toContain("#token=abc-_1");
  });

  test("gives a mail that is sent twice the same Message-ID", async () => {
    await using opened = await open();
    const mail = newMail();
    await opened.mailer.send(mail);
    await opened.mailer.send(mail);
    const ids = (await opened.received()).map((raw) =>
      /^Message-ID: (.*)$/im.exec(raw)?.[1]?.trim(),
    );
    expect(new Set(ids)).toEqual(new Set([`<${mail.id}@example.com>`]));
  });

  test("does not allow header injection through the subject", async () => {
    await using opened = await open();
    await opened.mailer.send(newMail({ subject: "Hi\r\nBcc: eve@example.com" }));
    const [raw = ""] = await opened.received();
    expect(raw).not.toMatch(/^Bcc:/im);
  });

  test("passes its check when mails can be sent", async () => {
    await using opened = await open();
    await opened.mailer.check();
  });
}
