import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const REQUEST =
  "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost";

/** Writes a new certificate for localhost and its key into the folder. */
export async function writeCertificate(folder: string): Promise<{ cert: string; key: string }> {
  const [cert, key] = [path.join(folder, "cert.pem"), path.join(folder, "key.pem")];
  await run("openssl", [...REQUEST.split(" "), "-keyout", key, "-out", cert]);
  return { cert, key };
}
