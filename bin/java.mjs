import { installPackages, succeeds } from "./apt.mjs";

/** Installs a JDK and Maven for the MongoDB tests if they are missing and installing is allowed. */
export async function ensureJava() {
  for (const command of [
    ["javac", "-version"],
    ["mvn", "--version"],
  ]) {
    if (await succeeds(command)) continue;
    const packages = ["default-jdk-headless", "maven"];
    await installPackages("Installing a JDK and Maven for the MongoDB tests", packages);
    return;
  }
}
