import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { SMTPServer } from "smtp-server";
import { describe, expect, test } from "vitest";

import { newMail, testMailer } from "./contract.ts";
import { fileMailer } from "./file.ts";
import { smtpMailer } from "./smtp.ts";

const from = "from@example.com";

type Reply = { code: number; text: string } | undefined;

/** A mail server that refuses recipients with `reply`. */
async function smtp(reply: () => Reply = () => undefined) {
  const mails: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onRcptTo(_address, _session, done) {
      const refusal = reply();
      if (refusal === undefined) done();
      else done(Object.assign(new Error(refusal.text), { responseCode: refusal.code }));
    },
    onData(stream, _session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        mails.push(Buffer.concat(chunks).toString());
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
  const { port } = server.server.address() as AddressInfo;
  const mailer = smtpMailer({ url: `smtp://127.0.0.1:${port}`, from });
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  return {
    mailer,
    received: () => Promise.resolve(mails),
    close,
    async [Symbol.asyncDispose]() {
      mailer.close();
      await close();
    },
  };
}

describe("smtpMailer", () => {
  testMailer(() => smtp());

  test("a permanent refusal (5yz) is returned", async () => {
    await using opened = await smtp(() => ({ code: 550, text: "no such mailbox" }));
    const result = await opened.mailer.send(newMail());
    expect(result).toMatchObject({ refused: expect.stringContaining("no such mailbox") });
  });

  test("temporary refusals (4yz) and connection failures are thrown, to be retried", async () => {
    let isBusy = true;
    await using opened = await smtp(() => (isBusy ? { code: 451, text: "greylisted" } : undefined));
    const mail = newMail();
    await expect(opened.mailer.send(mail)).rejects.toThrow("greylisted");
    isBusy = false;
    expect(await opened.mailer.send(mail)).toBe("sent");
    await opened.close();
    await expect(opened.mailer.send(mail)).rejects.toThrow();
    await expect(opened.mailer.check()).rejects.toThrow();
  });
});

describe("fileMailer", () => {
  testMailer(async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "mails-"));
    const box = path.join(folder, "mail");
    return {
      mailer: fileMailer({ folder: box, from }),
      async received() {
        const names = await readdir(box);
        return Promise.all(names.map((name) => readFile(path.join(box, name), "utf8")));
      },
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
    };
  });
});
