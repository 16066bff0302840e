import { existsSync } from "node:fs";
import path from "node:path";

/** The program; also one that was unpacked beside syslog-ng, whose package excludes it. */
export const RSYSLOG = ["/usr/sbin", "/opt/rsys/root/usr/sbin"]
  .map((folder) => path.join(folder, "rsyslogd"))
  .find((file) => existsSync(file));
const ROOT = RSYSLOG?.startsWith("/opt") === true ? "/opt/rsys/root" : "";
const LIBRARIES = `${ROOT}/usr/lib/x86_64-linux-gnu`;

/** How rsyslog is started in the foreground. */
export const rsyslogCommand = (
  config: string,
  pidFile: string,
): { file: string; args: string[]; env: NodeJS.ProcessEnv } => ({
  file: RSYSLOG ?? "rsyslogd",
  args: ["-n", "-f", config, "-i", pidFile, "-M", path.join(LIBRARIES, "rsyslog")],
  env: { ...process.env, LD_LIBRARY_PATH: LIBRARIES },
});

/** The module that sends over RELP is in a package of its own. */
export const hasRelp = existsSync(path.join(LIBRARIES, "rsyslog", "omrelp.so"));
