import { step } from "./progress.mjs";
import { run } from "./run.mjs";

/** Installs packages of the distribution where apt-get is allowed; resolves to whether they are installed. */
export async function installPackages(title, packages) {
  const apt = await aptGet();
  if (apt === undefined) return false;
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  try {
    await step(title, async () => {
      await run([...apt, "update"], { env });
      await run([...apt, "install", "-y", "--no-install-recommends", ...packages], { env });
    });
    return true;
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    return false;
  }
}

/** Whether a command runs and exits with 0. */
export const succeeds = (command) =>
  run(command).then(
    () => true,
    () => false,
  );

async function aptGet() {
  if (!(await succeeds(["apt-get", "--version"]))) return undefined;
  if (process.getuid?.() === 0) return ["apt-get"];
  return (await succeeds(["sudo", "-n", "true"])) ? ["sudo", "-n", "apt-get"] : undefined;
}
