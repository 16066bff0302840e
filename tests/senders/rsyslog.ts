import { existsSync } from "node:fs";
import path from "node:path";

/** The program; also one that was unpacked beside syslog-ng, whose package excludes it. */
export const RSYSLOG = ["/usr/sbin", "/opt/rsys/root/usr/sbin"]
  .map((folder) => path.join(folder, "rsyslogd"))
  .find((file) => existsSync(file));
const ROOT = RSYSLOG?.startsWith("/opt") === true ? "/opt/rsys/root" : "";
const LIBRARIES = `${ROOT}/usr/lib/x86_64-linux-gnu`;

/** Whether rsyslog and this module, which has a package of its own, are installed. */
export const hasRsyslogModule = (name: string): boolean =>
  RSYSLOG !== undefined && existsSync(path.join(LIBRARIES, "rsyslog", `${name}.so`));

/** How rsyslog is started in the foreground. */
export const rsyslogCommand = (
  config: string,
  pidFile: string,
): { file: string; args: string[]; env: NodeJS.ProcessEnv } => ({
  file: RSYSLOG ?? "rsyslogd",
  args: ["-n", "-f", config, "-i", pidFile, "-M", path.join(LIBRARIES, "rsyslog")],
  env: { ...process.env, LD_LIBRARY_PATH: LIBRARIES },
});
