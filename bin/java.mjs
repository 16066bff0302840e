import { installPackages, succeeds } from "./apt.mjs";

/** A JDK and Maven, for the stand-in for MongoDB: those that are there, else the distribution's where we may. */
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
