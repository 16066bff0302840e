import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { promisify } from "node:util";

import { expect, onTestFinished, test } from "vitest";

import type { Listener, TlsFiles } from "#collectors/sources/listeners/listener.ts";
import { silentLog } from "#platform/log.ts";

import { writeCertificate } from "../../tests/harness/certificate.ts";
import { openListener } from "./open-listener.ts";
import { SocketHolder } from "./socket-holder.ts";

const run = promisify(execFile);
const PASSPHRASE = "pa55 phrase";
const VARIABLE = "QD_TEST_TLS_PASSPHRASE";

async function withEncryptedKey() {
  const folder = await mkdtemp(join(tmpdir(), "open-listener-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { cert, key } = await writeCertificate(folder);
  const encrypted = join(folder, "encrypted.pem");
  const options = ["-aes256", "-passout", `pass:${PASSPHRASE}`];
  await run("openssl", ["ec", "-in", key, ...options, "-out", encrypted]);
  const passphraseFile = join(folder, "passphrase");
  await writeFile(passphraseFile, `${PASSPHRASE}\n`, { mode: 0o600 });
  const listenerWith = (secret: Partial<TlsFiles>): Listener => ({
    source: "edge",
    protocol: "syslog+tls",
    listenOn: { host: "127.0.0.1", port: 0 },
    tls: { certificate: cert, key: encrypted, clientCa: undefined, ...secret },
  });
  return { listenerWith, passphraseFile };
}

const opened = (listener: Listener) => openListener(listener, new SocketHolder(), silentLog());

test("a TLS listener opens an encrypted key by a passphrase in a file or in the environment", async () => {
  const { listenerWith, passphraseFile } = await withEncryptedKey();
  process.env[VARIABLE] = PASSPHRASE;
  onTestFinished(() => void delete process.env[VARIABLE]);
  for (const secret of [
    { keyPassphraseFile: passphraseFile },
    { keyPassphrase: `\${${VARIABLE}}` },
  ]) {
    await using listener = await opened(listenerWith(secret));
    const port = Number(/\d+$/.exec(listener.address)?.[0]);
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    socket.destroy();
  }
});

test("a passphrase that is missing, wrong or not set is reported with its field, and not repeated", async () => {
  const { listenerWith } = await withEncryptedKey();
  const reasonOf = async (secret: Partial<TlsFiles>): Promise<string> =>
    opened(listenerWith(secret)).then(() => "it was opened", String);
  expect(await reasonOf({})).toContain("its passphrase (keyPassphraseFile or keyPassphrase)");
  const reference = { keyPassphrase: `\${${VARIABLE}}` };
  expect(await reasonOf(reference)).toContain(
    `keyPassphrase: the environment variable ${VARIABLE} is not set`,
  );
  process.env[VARIABLE] = "s3cret";
  onTestFinished(() => void delete process.env[VARIABLE]);
  expect(await reasonOf(reference)).toContain(
    "its passphrase (keyPassphraseFile or keyPassphrase)",
  );
  expect(await reasonOf(reference)).not.toContain("s3cret");
});
